/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The one table of settings. A row is all there is to a setting: its key in a .nspawn file, its switch, how a text
 * becomes a value, where the value lies in Settings, and its help. The file reader, the command line, --help, the
 * completions, the manual's check and the tests are all driven by it.
 */

#include "config/settings.h"

typedef struct SettingRow SettingRow;

/* Parses text into the row's field of *s. An empty text resets it. 0, -ENOMEM, or -EINVAL with reterr_reason telling
 * why the text is no value of this setting ("not a boolean", "no such capability: CAP_FOO"). SETTING_TAKEN_WITH_WARNING:
 * the value is set, and the reason says how what happens differs from what the user may expect. */
#define SETTING_TAKEN_WITH_WARNING 1
#define SETTING_REASON_MAX 256
typedef int (*SettingParse)(const SettingRow *row, const char *text, Source from, Settings *s,
                            char reterr_reason[static SETTING_REASON_MAX]);

typedef enum SettingFlags {
        SETTING_PRIVILEGED = 1 << 0,    /* ignored, with a warning, in a file that is not trusted */
        SETTING_RESTRICTS = 1 << 1,     /* takes rights away: a file that is not trusted may add to it, not empty it;
                                           where it is privileged too, a text that begins with "~" takes away */
        SETTING_LIST = 1 << 2,          /* repeating it adds; an empty value clears */
        SETTING_OPTIONAL_ARG = 1 << 3,  /* the switch may stand without "=VALUE", which means "yes" */
        SETTING_NO_ARG = 1 << 4,        /* the switch takes no value; it means `implied` */
        SETTING_HIDDEN = 1 << 5,        /* not in --help: an alias for another program's switch */
        SETTING_ADDS = 1 << 6,          /* in [Network]: says nothing of the links, so it neither makes a file's links take
                                           the switches' place, nor goes with them */
        SETTING_SECRET = 1 << 7,        /* the value is never printed, and overwritten before it is freed */
} SettingFlags;

struct SettingRow {
        SettingId id;
        const char *section;    /* NULL: a switch only */
        const char *key;        /* NULL with section */
        const char *option;     /* long switch without "--"; NULL: a key only */
        char letter;            /* short switch, or 0 */
        const char *metavar;    /* in help and manual */
        const char *implied;    /* the value of a switch written without one */
        unsigned flags;         /* SettingFlags */
        SettingParse parse;
        size_t offset;          /* in Settings */
        const char *const *words;       /* the values of a choice, in its enum's order, NULL-terminated; else NULL */
        const char *group;      /* heading in --help */
        const char *help;       /* one line */
};

extern const SettingRow settings_table[];
extern const size_t settings_table_size;

/* The row of a key, or NULL. Sections and keys compare exactly, as systemd does. */
const SettingRow *settings_table_find_key(const char *section, const char *key);

/* The row of a long switch (without "--") or a letter, or NULL. Several rows can share an id, not a name. */
const SettingRow *settings_table_find_option(const char *option);
const SettingRow *settings_table_find_letter(char letter);

/* The first of a setting's rows. */
const SettingRow *settings_table_row(SettingId id);

/* A section that has keys ("Exec"). */
bool settings_table_has_section(const char *section);
const char *settings_table_nearest_section(const char *section);

/* The nearest known key of a section (any section where NULL) to a misspelt one, or NULL where none is near. */
const char *settings_table_nearest_key(const char *section, const char *key);
const char *settings_table_nearest_option(const char *option);
