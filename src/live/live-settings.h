/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The settings in force of a running machine, value by value with the place of each: /run/box/NAME/settings, written when it
 * starts and after each live change, which only root reads. What differs from the files is found by comparing (live-compare.h).
 */

#include "config/settings-source.h"
#include "util/failure.h"

typedef struct LiveValue {
        const SettingRow *row;
        char *text;
        char *where;            /* from.where, owned; NULL: a default */
        Source from;
        bool live;              /* set while the machine runs, not by its start */
} LiveValue;

typedef struct LiveSettings {
        LiveValue *items;       /* values of one setting stand together, in the order of the table */
        size_t n;
} LiveSettings;

void live_settings_done(LiveSettings *s);

/* Is it a setting of the machine? Credentials, which are forgotten, and switches for box-run itself are not. */
bool live_setting_is_kept(const SettingRow *row);

/* What the sources have set. 0 or -ENOMEM. */
int live_settings_make(const SettingsSources *sources, const Settings *s, LiveSettings *ret);

/* Adds a value; texts are copied. 0 or -ENOMEM. */
int live_settings_add(LiveSettings *s, const SettingRow *row, const char *text, Source from);

/* As Settings. A value that no longer parses, since a newer box has written it, is left out. 0 or -ENOMEM. */
int live_settings_apply(const LiveSettings *s, Settings *ret);

/* As JSON, and back. path is replaced with rename(). -EBADMSG: it is not such a file. */
int live_settings_write(const char *path, const LiveSettings *s, Failure *failure);
int live_settings_read(const char *path, LiveSettings *ret, Failure *failure);
int live_settings_parse(const char *text, size_t size, LiveSettings *ret, Failure *failure);
enum { LIVE_SETTINGS_MAX_BYTES = 16 * 1024 * 1024 };
