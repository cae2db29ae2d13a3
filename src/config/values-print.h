/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Settings as texts again: what is in force, as it could be written into a file, and where it was written. What the parsers
 * of values.h take, this gives back.
 */

#include "config/settings-table.h"

typedef struct ValueText {
        char *text;
        Source from;
} ValueText;

/* A list has a text for each element that was written by itself; other settings have one, or none at their default. */
typedef struct ValueTexts {
        ValueText *items;
        size_t n;
} ValueTexts;

void value_texts_done(ValueTexts *t);

/* The value of the row's setting in *s. 0 or -ENOMEM. */
int value_print(const SettingRow *row, const Settings *s, ValueTexts *ret);

/* Is there a way to print what the row's parser makes? For the tests: each has one. */
bool value_has_printer(const SettingRow *row);
