/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Tables (see table.h). Cells may hold text that machines chose: they are made printable when they are added, so that no
 * control sequence reaches the terminal. Part of boxctl; no privilege.
 */

#include <ctype.h>
#include <string.h>

#include "ctl/table.h"
#include "util/json.h"
#include "util/print.h"
#include "util/strv.h"
#include "util/terminal-stream.h"
#include "util/text.h"

enum { COLUMN_MIN = 12 };       /* of a column that is made narrower: a header fits */

struct Table {
        const char *const *columns;
        size_t n_columns;
        char ***rows;           /* n_columns cells each, NULL for an empty one */
        size_t n_rows;
        size_t widths[];        /* of n_columns, while it is printed */
};

Table *table_new(const char *const *columns, size_t n_columns)
{
        Table *t = calloc(1, sizeof(Table) + n_columns * sizeof(size_t));

        if (t) {
                t->columns = columns;
                t->n_columns = n_columns;
        }
        return t;
}

static void row_free(char **row, size_t n)
{
        for (size_t i = 0; row && i < n; i++)
                free(row[i]);
        free(row);
}

Table *table_free(Table *t)
{
        if (!t)
                return NULL;
        for (size_t i = 0; i < t->n_rows; i++)
                row_free(t->rows[i], t->n_columns);
        free(t->rows);
        free(t);
        return NULL;
}

int table_add(Table *t, const char *const *cells)
{
        char **row = calloc(t->n_columns, sizeof(char *)), ***slot;

        if (!row)
                return -ENOMEM;
        for (size_t i = 0; i < t->n_columns; i++) {
                if (!cells[i] || !*cells[i])
                        continue;
                row[i] = strdup(cells[i]);
                if (!row[i]) {
                        row_free(row, t->n_columns);
                        return -ENOMEM;
                }
                if (i + 1 == t->n_columns)
                        text_make_lines_printable(row[i], strlen(row[i]));
                else
                        text_make_printable(row[i]);
        }

        slot = array_append(&t->rows, &t->n_rows, sizeof(*slot));
        if (!slot) {
                row_free(row, t->n_columns);
                return -ENOMEM;
        }
        *slot = row;
        return 0;
}

size_t table_rows(const Table *t)
{
        return t->n_rows;
}

/* ---- for people ----------------------------------------------------------------------------------------------- */

/* The line-th line of a cell: its start and length; "" past the end. */
static const char *cell_line(const char *cell, size_t line, size_t *ret_size)
{
        const char *p = cell ? cell : "-";

        for (; line > 0; line--) {
                p = strchr(p, '\n');
                if (!p) {
                        *ret_size = 0;
                        return "";
                }
                p++;
        }
        *ret_size = strcspn(p, "\n");
        return p;
}

static size_t cell_lines(const char *cell)
{
        size_t n = 1;

        for (const char *p = cell; p && (p = strchr(p, '\n')); p++)
                n++;
        return n;
}

static size_t column_width(const Table *t, size_t column, bool header)
{
        size_t width = header ? strlen(t->columns[column]) : 0;

        for (size_t i = 0; i < t->n_rows; i++)
                for (size_t l = 0; l < cell_lines(t->rows[i][column]); l++) {
                        size_t size, w;
                        const char *s = cell_line(t->rows[i][column], l, &size);

                        w = text_columns(s, size);
                        if (w > width)
                                width = w;
                }
        return width;
}

/* One line of a row's cells, without blanks at its end. */
static int print_row_line(const Table *t, char *const *row, size_t line, FILE *f, size_t width)
{
        _cleanup_memory_stream_ MemoryStream m = { 0 };
        _cleanup_free_ char *text = NULL;
        FILE *to = memory_stream_open(&m);
        size_t blanks = 0;

        if (!to)
                return -ENOMEM;
        for (size_t c = 0; c < t->n_columns; c++) {
                size_t size;
                const char *s = cell_line(row[c], line, &size);
                size_t columns = text_columns(s, size);
                bool cut = columns > t->widths[c];

                while (cut && columns >= t->widths[c])
                        columns = text_columns(s, --size);
                if (size > 0)
                        fprintf(to, "%*s%.*s%s", (int) blanks, "", (int) size, s, cut ? "…" : "");
                blanks = t->widths[c] + 1 - columns - cut + (size > 0 ? 0 : blanks);
        }
        text = memory_stream_take(&m);
        if (!text)
                return -ENOMEM;
        print_cut(f, text, width);
        return 0;
}

static void print_header(const Table *t, FILE *f, bool colour)
{
        for (size_t c = 0; c < t->n_columns; c++) {
                size_t fill = t->widths[c] - strlen(t->columns[c]);
                bool last = c + 1 == t->n_columns;

                if (colour)
                        terminal_style(f, "\x1b[4m");
                for (const char *s = t->columns[c]; *s; s++)
                        fputc(toupper((unsigned char) *s), f);
                if (!last || colour)
                        fprintf(f, "%*s", (int) fill, "");
                if (colour)
                        terminal_style(f, "\x1b[0m");
                if (!last)
                        fputc(' ', f);
        }
        fputc('\n', f);
}

static int compare_rows(const void *a, const void *b)
{
        char *const *x = *(char **const *) a, *const *y = *(char **const *) b;

        return strcmp(x[0] ? x[0] : "", y[0] ? y[0] : "");
}

/* A long cell in one column must not push the others off the line: the widest columns become narrower, but for the last one,
 * whose lines are cut. */
static void fit(Table *t, size_t width)
{
        for (;;) {
                size_t total = t->n_columns - 1, widest = 0;

                for (size_t c = 0; c < t->n_columns; c++)
                        total += t->widths[c];
                for (size_t c = 1; c + 1 < t->n_columns; c++)
                        if (t->widths[c] > t->widths[widest])
                                widest = c;
                if (total <= width || t->n_columns < 2 || t->widths[widest] <= COLUMN_MIN)
                        return;
                t->widths[widest]--;
        }
}

int table_print(Table *t, FILE *f, unsigned flags, size_t width)
{
        int r = 0;

        if (flags & TABLE_SORT && t->n_rows > 1)
                qsort(t->rows, t->n_rows, sizeof(*t->rows), compare_rows);
        for (size_t c = 0; c < t->n_columns; c++)
                t->widths[c] = column_width(t, c, flags & TABLE_HEADER);
        if (width > 0)
                fit(t, width);
        if (flags & TABLE_HEADER)
                print_header(t, f, flags & TABLE_COLOUR);

        for (size_t i = 0; i < t->n_rows; i++) {
                size_t lines = 1;

                for (size_t c = 0; c < t->n_columns; c++)
                        if (cell_lines(t->rows[i][c]) > lines)
                                lines = cell_lines(t->rows[i][c]);
                for (size_t l = 0; r >= 0 && l < lines; l++)
                        r = print_row_line(t, t->rows[i], l, f, width);
        }
        return r;
}

/* ---- for programs --------------------------------------------------------------------------------------------- */

static int put_lines(Json *j, const char *key, const char *cell)
{
        _cleanup_strv_ char **lines = NULL;

        for (size_t l = 0; cell && l < cell_lines(cell); l++) {
                size_t size;
                const char *line = cell_line(cell, l, &size);
                char *copy = strndup(line, size);

                if (strv_consume(&lines, copy) < 0)
                        return -ENOMEM;
        }
        json_put_strings(j, key, lines);
        return 0;
}

int table_print_json(Table *t, FILE *f, unsigned flags, OutputMode mode, Failure *failure)
{
        size_t n_strings = t->n_columns - (flags & TABLE_LINES ? 1 : 0);
        _cleanup_json_ Json *j = NULL;
        int r;

        r = json_new(&j, failure);
        if (r < 0)
                return r;
        if (t->n_rows > 1)
                qsort(t->rows, t->n_rows, sizeof(*t->rows), compare_rows);
        json_begin_array(j, NULL);
        for (size_t i = 0; i < t->n_rows; i++) {
                json_begin_object(j, NULL);
                for (size_t c = 0; c < n_strings; c++)
                        json_put_string(j, t->columns[c], t->rows[i][c]);
                if (flags & TABLE_LINES)
                        r = put_lines(j, t->columns[n_strings], t->rows[i][n_strings]);
                if (r < 0)
                        return failure_set(failure, r, "Out of memory");
                json_end(j);
        }
        json_end(j);
        r = json_print(j, f, output_json_indent(mode));
        return r < 0 && !terminal_stream_is_unread() ? failure_set(failure, r, "Failed to write the output: %m") : 0;
}
