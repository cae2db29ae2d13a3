/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which columns of a listing are wanted: --columns= and --json=. */

#include "ctl/table.h"
#include "util/failure.h"

/* A listing's columns, with one for each setting or field that is asked for behind the fixed ones. */
typedef struct Columns {
        Column *all;
        size_t n_all, n_fixed;
        size_t *chosen;                 /* indices; NULL: the default */
        size_t n_chosen;
        char *words;                    /* names of fields */
} Columns;

/* Columns that can be chosen beside the fixed ones. */
typedef enum ColumnsOther {
        COLUMNS_FIXED,
        COLUMNS_SETTINGS,               /* the key of a setting */
        COLUMNS_FIELDS,                 /* any field that a journal may have */
} ColumnsOther;

/* text: words between commas, each a column's name, letters of columns, or another. NULL: the default.
 * -EINVAL and a failure that lists the choices. */
int columns_choose(const Column *fixed, size_t n_fixed, const char *text, ColumnsOther other, Columns *ret, Failure *failure);
void columns_done(Columns *c);

/* Is the column at this index of `all` wanted? What is not shown need not be found out. json: of JSON, else of text. */
bool columns_want(const Columns *c, size_t index, bool json);

/* A table of them. NULL: no memory. */
Table *columns_table(const Columns *c);

/* The names of a listing's fields with their help, one a line. */
void columns_print(FILE *f, const Column *columns, size_t n);
