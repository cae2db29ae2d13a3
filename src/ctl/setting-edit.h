/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Settings of a machine that are set by a command: written to a drop-in, checked with the machine's other settings before, and
 * applied if it runs. All or nothing: if they cannot be applied, the drop-in is as it was.
 */

#include "config/set-drop-in.h"
#include "ctl/verb.h"

/* One line that is set or removed. */
typedef struct SettingEdit {
        const SettingRow *row;
        const char *key;        /* of a setting that is not in the table; NULL */
        char *value;            /* as SetLine's; NULL: all */
        bool unset;
} SettingEdit;

typedef struct SettingEdits {
        SettingEdit *items;
        size_t n;
} SettingEdits;

void setting_edits_done(SettingEdits *e);
/* Copies value. 0 or -ENOMEM. */
int setting_edits_add(SettingEdits *e, const SettingRow *row, const char *key, const char *value, bool unset);

/* Reads "KEY=VALUE" or, to unset, "KEY". */
int setting_edits_parse(SettingEdits *e, const char *text, bool unset, Failure *failure);

/* Carries them out: by the options --save and --for= in /etc, or in /run; unset values are removed from all drop-ins of this
 * kind. Prints what was applied, and what waits for a restart. */
int setting_edits_do(Ctl *c, const char *machine, const SettingEdits *e, Failure *failure);

/* Ends a --for=: removes its drop-in, if it is still there, and applies that. */
int setting_edits_end(Ctl *c, const char *machine, const char *drop_in, Failure *failure);

/* The lines of a machine's drop-ins of this kind. */
int setting_edits_lines(const char *machine, SetLines *ret, Failure *failure);
