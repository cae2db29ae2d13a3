/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The table of settings. A row has the key in .nspawn files, the switch, the parser, the field in Settings, and the
 * help text of a setting. The parsers of files and command lines, --help, completions, the check of the manual and
 * tests use it.
 */

#include "config/settings.h"

typedef struct SettingRow SettingRow;

/* Parses text into the row's field of *s. An empty text resets it. 0, -ENOMEM, or -EINVAL with the reason in
 * reterr_reason ("not a boolean", "no such capability: CAP_FOO"). SETTING_TAKEN_WITH_WARNING: the value is set, and the
 * reason is a warning. */
#define SETTING_TAKEN_WITH_WARNING 1
#define SETTING_REASON_MAX 256
typedef int SettingParse(const SettingRow *row, const char *text, Source from, Settings *s,
                         char reterr_reason[static SETTING_REASON_MAX]);

typedef enum SettingFlags {
        SETTING_PRIVILEGED = 1 << 0,    /* ignored, with a warning, in a file that is not trusted */
        SETTING_RESTRICTS = 1 << 1,     /* removes privileges: an untrusted file may add to it, but neither clear it nor say
                                           "no"; if it is SETTING_PRIVILEGED too, only with a text that begins with "~" */
        SETTING_LIST = 1 << 2,          /* repeating it appends; an empty value clears */
        SETTING_OPTIONAL_ARG = 1 << 3,  /* "=VALUE" of the switch is optional, and defaults to `implied` */
        SETTING_NO_ARG = 1 << 4,        /* the switch takes no value; `implied` is used */
        SETTING_HIDDEN = 1 << 5,        /* not in --help */
        SETTING_ADDS = 1 << 6,          /* does not count as a link setting for --settings=override */
        SETTING_EMPTY = 1 << 8,         /* an empty value of the switch is the default; of others it is an error */
        SETTING_SECRET = 1 << 7,        /* never printed, and overwritten before it is freed */
} SettingFlags;

struct SettingRow {
        SettingId id;
        const char *section;    /* NULL: a switch only */
        const char *key;        /* NULL: without a section, or any other key of it, which the value begins with (KEY=VALUE) */
        const char *option;     /* long switch without "--"; NULL: a key only */
        char letter;            /* short switch, or 0 */
        const char *metavar;    /* in help and manual */
        const char *implied;    /* the value of a switch without "=VALUE" */
        unsigned flags;         /* SettingFlags */
        SettingParse *parse;
        size_t offset;          /* in Settings */
        const char *const *words;       /* values of a choice, in the order of its enum, NULL-terminated; NULL */
        const char *group;      /* heading in --help */
        const char *help;       /* one line */
        const char *fallback;   /* of a key: the value without it, in the manual's words; NULL: it is refused */
        const char *since;      /* the first version of box that has it; NULL: 0.1 */
};

extern const SettingRow settings_table[];
extern const size_t settings_table_size;

/* "any file", "trusted files only"… : who may set it. */
const char *setting_trust_words(const SettingRow *row);

/* The row of a key, or NULL. Case-sensitive, as in systemd. */
const SettingRow *settings_table_find_key(const char *section, const char *key);

/* The same in any section: no two have the same key. */
const SettingRow *settings_table_find_any_key(const char *key);

/* The row of a long switch (without "--") or a letter, or NULL. */
const SettingRow *settings_table_find_option(const char *option);
const SettingRow *settings_table_find_letter(char letter);

/* The first row with this id. */
const SettingRow *settings_table_row(SettingId id);

/* "--private-users=no" or "PrivateUsers=no", in the form that `from` has: for advice in messages. Settings with a default are
 * named by their key. */
#define SETTING_FORM_MAX 128
const char *setting_form(SettingId id, Source from, const char *value, char buf[static SETTING_FORM_MAX]);

/* Does any key have this section? */
bool settings_table_has_section(const char *section);
const char *settings_table_nearest_section(const char *section);

/* The known key of a section (NULL: any) that is most similar to a misspelt one, or NULL if none is similar. */
const char *settings_table_nearest_key(const char *section, const char *key);
const char *settings_table_nearest_option(const char *option);
