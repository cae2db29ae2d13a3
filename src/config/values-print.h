/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The inverse of the parsers of values.h: settings in force as texts of a settings file, with their sources.
 */

#include "config/settings-table.h"

typedef struct ValueText {
        char *text;
        Source from;
} ValueText;

/* A list has a text for each element; other settings have one, or none if they are at their default. */
typedef struct ValueTexts {
        ValueText *items;
        size_t n;
} ValueTexts;

void value_texts_done(ValueTexts *t);

/* The value of the row's setting in *s. 0 or -ENOMEM. */
int value_print(const SettingRow *row, const Settings *s, ValueTexts *ret);

/* Does the row's parser have a printer? For tests. */
bool value_has_printer(const SettingRow *row);
