/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Tables: one list of columns and cells, printed as text (aligned, as machinectl does) or as JSON. */

#include <stdio.h>

#include "ctl/options.h"

typedef enum ColumnFlags {
        COLUMN_LINES = 1 << 0,          /* a cell may have several lines; JSON: an array of them */
        COLUMN_NUMBER = 1 << 1,         /* decimal; JSON: a number */
        COLUMN_BYTES = 1 << 2,          /* the same, "12.5M" in text */
        COLUMN_STATE = 1 << 3,          /* coloured: running is good, failed is bad */
        COLUMN_MORE = 1 << 4,           /* in text only if it is asked for; JSON has it */
        COLUMN_TEXT_ONLY = 1 << 5,      /* not in JSON, unless it is asked for */
} ColumnFlags;

typedef struct Column {
        char letter;                    /* for --columns=; 0: none */
        const char *name;               /* as of JSON ("machine"); text has it in capitals */
        unsigned flags;                 /* ColumnFlags */
        unsigned leave;                 /* where the terminal is too narrow, columns are left out from 1 on; 0: never */
        const char *help;               /* a few words */
} Column;

typedef struct Table Table;

/* The array and the names must outlive the table. */
Table *table_new(const Column *columns, size_t n_columns);
Table *table_free(Table *t);
DEFINE_CLEANUP(Table *, table_free);

/* Shows these columns only, in this order: indices of the array. 0 or -ENOMEM. */
int table_choose(Table *t, const size_t *indices, size_t n);

/* A cell for each column of the array; NULL or "": empty. Copies are made printable. Only cells of COLUMN_LINES may have several
 * lines: a line end in a machine's text must not begin a row. 0 or -ENOMEM. */
int table_add(Table *t, const char *const *cells);

size_t table_rows(const Table *t);

typedef enum TableFlags {
        TABLE_HEADER = 1 << 0,
        TABLE_COLOUR = 1 << 1,          /* the header is underlined, states have colours */
        TABLE_SORT = 1 << 2,            /* by the first column of the array, "web2" before "web10" */
        TABLE_JSON_TEXTS = 1 << 3,      /* JSON: only strings, as machinectl has them */
} TableFlags;

/* Columns one blank apart, an empty cell as "-", no blanks at a line's end. width: to fit, wide cells of all columns but the last
 * are cut with "…", then columns are left out, then lines are cut (0: never). Returns the number of columns left out, or
 * -ENOMEM. */
int table_print(Table *t, FILE *f, unsigned flags, size_t width);

/* An array of objects; empty cells are null, or empty arrays. */
int table_print_json(Table *t, FILE *f, unsigned flags, OutputMode mode, Failure *failure);
