/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Drop-ins of settings that are written for an administrator (boxctl set): in /run until the machine stops, or in /etc. Those in
 * /run come last, so that what is for now counts.
 */

#include "config/assignment.h"

#define SET_DROP_IN_ETC "80-boxctl.conf"
#define SET_DROP_IN_RUN "90-boxctl.conf"
#define SET_DROP_IN_FOR "91-boxctl-"            /* and more: each for a time of its own */

/* Is it one of them, in /etc or /run, by its file's name? */
bool set_drop_in_is(const char *path);

/* Removes those in /run, as the machine has stopped. root is prepended, for tests; else "". */
void set_drop_ins_remove(const char *root, const char *machine);

/* A line of a file: a key and its value; without a key in the table, the value is KEY=VALUE. */
typedef struct SetLine {
        const SettingRow *row;
        char *value;
} SetLine;

typedef struct SetLines {
        SetLine *items;
        size_t n;
} SetLines;

void set_lines_done(SetLines *l);

/* Copies those of a file. 0 or -ENOMEM. */
int set_lines_take(const Assignments *a, SetLines *ret);

/* Sets a value: a list gets one more, unless it has it; an empty value clears what other files have set. 0 or -ENOMEM. */
int set_lines_set(SetLines *l, const SettingRow *row, const char *value);

/* Removes the value; NULL: all values of the setting. key: of one that is not in the table. Their number. */
size_t set_lines_unset(SetLines *l, const SettingRow *row, const char *key, const char *value);

/* The file's text, "" without lines. NULL: no memory. */
char *set_lines_text(const SetLines *l);

/* Why a file cannot have this value; NULL: it can. */
const char *set_value_problem(const char *value);
