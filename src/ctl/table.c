/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Tables (see table.h). Cells may hold what machines say of themselves; they are made printable when they come in, so
 * nothing of a machine ever reaches the caller's terminal as a control sequence. Pure but for the output; no privilege.
 */

#include <ctype.h>
#include <string.h>

#include "ctl/table.h"
#include "util/json.h"
#include "util/strv.h"
#include "util/text.h"

struct Table {
        const char *const *columns;
        size_t n_columns;
        char ***rows;           /* n_columns cells each, NULL for an empty one */
        size_t n_rows;
};

Table *table_new(const char *const *columns, size_t n_columns)
{
        Table *t = calloc(1, sizeof(Table));

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

/* Line by line: the line ends are ours. */
static void make_lines_printable(char *cell)
{
        for (char *line = cell; line;) {
                char *end = strchr(line, '\n');

                if (end)
                        *end = '\0';
                text_make_printable(line);
                if (end)
                        *end++ = '\n';
                line = end;
        }
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
                        make_lines_printable(row[i]);
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

/* Columns that n bytes of UTF-8 take, one a character: wide characters are not worth a table of their own here. */
static size_t columns_of(const char *s, size_t n)
{
        size_t w = 0;

        for (size_t i = 0; i < n; i++)
                w += ((unsigned char) s[i] & 0xc0) != 0x80;
        return w;
}

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

                        w = columns_of(s, size);
                        if (w > width)
                                width = w;
                }
        return width;
}

/* Prints one line of cells: ends holds where each cell's text lies. */
typedef struct LinePrinter {
        FILE *f;
        size_t at;              /* columns printed */
        size_t pending;         /* blanks owed: none is printed at a line's end */
        size_t width;           /* 0: any */
        bool cut;
} LinePrinter;

static void print_text(LinePrinter *p, const char *s, size_t size)
{
        for (size_t i = 0; i < size && !p->cut; i++) {
                bool starts = ((unsigned char) s[i] & 0xc0) != 0x80;

                for (; starts && p->pending > 0; p->pending--, p->at++)
                        fputc(' ', p->f);
                if (starts && p->width > 0 && p->at + 1 >= p->width && columns_of(s + i, size - i) > 1) {
                        fputs("…", p->f);
                        p->cut = true;
                        return;
                }
                p->at += starts;
                fputc(s[i], p->f);
        }
}

static void print_row_line(const Table *t, char *const *row, size_t line, const size_t *widths, LinePrinter *p)
{
        for (size_t c = 0; c < t->n_columns; c++) {
                size_t size;
                const char *s = cell_line(row[c], line, &size);

                print_text(p, s, size);
                p->pending += widths[c] - columns_of(s, size) + 1;
        }
        fputc('\n', p->f);
}

static void print_header(const Table *t, FILE *f, const size_t *widths, bool colour)
{
        for (size_t c = 0; c < t->n_columns; c++) {
                size_t fill = widths[c] - strlen(t->columns[c]);
                bool last = c + 1 == t->n_columns;

                if (colour)
                        fputs("\x1b[4m", f);
                for (const char *s = t->columns[c]; *s; s++)
                        fputc(toupper((unsigned char) *s), f);
                if (!last || colour)
                        fprintf(f, "%*s", (int) fill, "");
                if (colour)
                        fputs("\x1b[0m", f);
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

void table_print(Table *t, FILE *f, unsigned flags, size_t width)
{
        enum { COLUMNS_MAX = 16 };
        size_t widths[COLUMNS_MAX] = { 0 };

        if (flags & TABLE_SORT && t->n_rows > 1)
                qsort(t->rows, t->n_rows, sizeof(*t->rows), compare_rows);
        for (size_t c = 0; c < t->n_columns && c < COLUMNS_MAX; c++)
                widths[c] = column_width(t, c, flags & TABLE_HEADER);
        if (flags & TABLE_HEADER)
                print_header(t, f, widths, flags & TABLE_COLOUR);

        for (size_t i = 0; i < t->n_rows; i++) {
                size_t lines = 1;

                for (size_t c = 0; c < t->n_columns; c++)
                        if (cell_lines(t->rows[i][c]) > lines)
                                lines = cell_lines(t->rows[i][c]);
                for (size_t l = 0; l < lines; l++) {
                        LinePrinter p = { .f = f, .width = width };

                        print_row_line(t, t->rows[i], l, widths, &p);
                }
        }
}

/* ---- for programs --------------------------------------------------------------------------------------------- */

int table_print_json(Table *t, FILE *f, OutputMode mode, Failure *failure)
{
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
                for (size_t c = 0; c < t->n_columns; c++)
                        json_put_string(j, t->columns[c], t->rows[i][c]);
                json_end(j);
        }
        json_end(j);
        r = json_print(j, f, output_json_indent(mode));
        return r < 0 ? failure_set(failure, r, "Failed to write the output: %m") : 0;
}
