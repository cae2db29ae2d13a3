/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A setting as it was written, before it is known which of several writers wins: one row of the table, one text, one
 * place. Files and command lines both become lists of these; applying the lists in order of precedence, last writer
 * wins, is all the merging there is (a list's row appends; an empty text clears it).
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
        char **names;           /* owns the texts that Sources point to */
        bool trusted;           /* may ask for privilege (for a file: where it was found decides) */
} Assignments;

void assignments_done(Assignments *a);

/* Overwrites the values of SETTING_SECRET rows, once they have become settings. */
void assignments_forget_secrets(Assignments *a);

/* Adds one; text is copied. where must be owned by a->names already (assignments_name()) or be static. */
int assignments_add(Assignments *a, const SettingRow *row, const char *text, Source from);

/* Keeps a copy of name for Sources to point to; NULL without memory. */
const char *assignments_name(Assignments *a, const char *name);

/* Parses each into *s. Untrusted lists' privileged rows are left out with a warning that names them. Every bad value
 * is a fatal Problem; -ENOMEM is the only failure. skip_section (may be NULL) names a section to leave out, all
 * but its rows with SETTING_ADDS: the switches' [Network] where the file says anything of its own there. */
int assignments_apply(Assignments *a, const char *skip_section, Settings *s, Problems *problems);

/* The same for the rows with one id, for what must be known before the rest can be applied. */
int assignments_apply_one_id(Assignments *a, SettingId id, Settings *s, Problems *problems);

/* Do they say anything in this section that a writer who counts less had better not add to? What is left out for want of
 * trust, and rows with SETTING_ADDS, do not. */
bool assignments_replace_section(const Assignments *a, const char *section);

/* The last text assigned to the row with this id, NULL where none is. For what must be known before a file is looked
 * for: --machine=, --directory=, --settings=. */
const char *assignments_last(const Assignments *a, SettingId id);
