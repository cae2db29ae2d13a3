/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Assignments: a row of the settings table, a text, and its source. Files and command lines are read into lists of
 * these. The lists are merged by applying them in order, lowest priority first: the last value wins, lists append, an
 * empty text clears.
 */

#include "config/problem.h"
#include "config/settings-table.h"
#include "config/settings.h"

typedef struct Assignment {
        const SettingRow *row;
        char *value;
        Source from;
        bool applied;           /* valid, trusted enough, and of no section that was left out */
} Assignment;

typedef struct Assignments {
        Assignment *items;
        size_t n;
        char **names;           /* owns the strings that Sources point to */
        bool trusted;           /* privileged settings are allowed (for a file, its place decides) */
} Assignments;

void assignments_done(Assignments *a);

/* Overwrites the values of SETTING_SECRET rows, after they have been applied. */
void assignments_forget_secrets(Assignments *a);

/* Adds one; text is copied. from.where must be from assignments_name() or static. */
int assignments_add(Assignments *a, const SettingRow *row, const char *text, Source from);

/* Returns a copy of name for Sources to point to, owned by a; NULL without memory. */
const char *assignments_name(Assignments *a, const char *name);

/* Parses each into *s. Privileged rows of untrusted lists are left out with a warning. Invalid values are fatal
 * Problems; -ENOMEM is the only failure. skip_section (may be NULL) is a section to leave out, except for its rows with
 * SETTING_ADDS: [Network] of the switches if a file sets links. */
int assignments_apply(Assignments *a, const char *skip_section, Settings *s, Problems *problems);

/* The same for rows with one id, for settings that are needed before the others. */
int assignments_apply_one_id(Assignments *a, SettingId id, Settings *s, Problems *problems);

/* True if sources of lower priority must not merge into this section. Untrusted and SETTING_ADDS rows do not count. */
bool assignments_replace_section(const Assignments *a, const char *section);

/* The last text assigned to the row with this id, or NULL. For switches that are needed before files are read:
 * --machine=, --directory=, --settings=. */
const char *assignments_last(const Assignments *a, SettingId id);
