/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Tables, printed as text (aligned, as machinectl does) or as JSON. */

#include <stdio.h>

#include "ctl/options.h"

typedef struct Table Table;

/* Column names as of JSON ("machine"); text has them in capitals. The array and the names must outlive the table. */
Table *table_new(const char *const *columns, size_t n_columns);
Table *table_free(Table *t);
DEFINE_CLEANUP(Table *, table_free);

/* A cell for each column; NULL or "": empty. Copies are made printable. Only the last column's cells may have several lines:
 * a line end in a machine's text must not begin a row. 0 or -ENOMEM. */
int table_add(Table *t, const char *const *cells);

size_t table_rows(const Table *t);

typedef enum TableFlags {
        TABLE_HEADER = 1 << 0,
        TABLE_COLOUR = 1 << 1,          /* the header is underlined */
        TABLE_SORT = 1 << 2,            /* by the first column */
        TABLE_LINES = 1 << 3,           /* JSON: the last column's cells are arrays of their lines */
} TableFlags;

/* Columns one blank apart, an empty cell as "-", no blanks at a line's end. width: wide cells of all columns but the last, then
 * lines, are cut with "…" to fit (0: never).
 * 0 or -ENOMEM. */
int table_print(Table *t, FILE *f, unsigned flags, size_t width);

/* An array of objects; empty cells are null, or empty arrays. */
int table_print_json(Table *t, FILE *f, unsigned flags, OutputMode mode, Failure *failure);
