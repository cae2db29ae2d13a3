/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Tables (see table.h). Cells may hold text that machines chose: they are made printable when they are added, so that no
 * control sequence reaches the terminal. Part of boxctl; no privilege.
 */

#include <ctype.h>
#include <string.h>

#include "ctl/format.h"
#include "ctl/table.h"
#include "util/json.h"
#include "util/parse.h"
#include "util/print.h"
#include "util/strv.h"
#include "util/terminal-stream.h"
#include "util/text.h"

enum { COLUMN_MIN = 12 };       /* of a column that is made narrower: a header fits */

struct Table {
        const Column *columns;
        size_t n_columns;
        size_t *chosen;         /* indices of columns, n_chosen; NULL: those that are shown by default */
        size_t n_chosen;
        char ***rows;           /* n_columns cells each, NULL for an empty one */
        size_t n_rows;
        size_t *shown;          /* while it is printed: indices of n_columns at most */
        size_t n_shown;
        size_t widths[];        /* of n_columns */
};

Table *table_new(const Column *columns, size_t n_columns)
{
        Table *t = calloc(1, sizeof(Table) + n_columns * sizeof(size_t));

        if (t) {
                t->columns = columns;
                t->n_columns = n_columns;
                t->shown = calloc(n_columns, sizeof(size_t));
        }
        return t && !t->shown ? table_free(t) : t;
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
        free(t->chosen);
        free(t->shown);
        free(t);
        return NULL;
}

int table_choose(Table *t, const size_t *indices, size_t n)
{
        size_t *chosen = calloc(n, sizeof(size_t)), *shown = calloc(n + t->n_columns, sizeof(size_t));

        if (!chosen || !shown) {
                free(chosen);
                free(shown);
                return -ENOMEM;
        }
        memcpy(chosen, indices, n * sizeof(size_t));
        free(t->chosen);
        free(t->shown);
        t->chosen = chosen;
        t->n_chosen = n;
        t->shown = shown;
        return 0;
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
                if (t->columns[i].flags & COLUMN_LINES)
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

/* The cell as people read it. */
static const char *cell_text(const Table *t, size_t row, size_t column, char buf[static FORMAT_MAX])
{
        const char *cell = t->rows[row][column];
        uint64_t number;

        if (cell && t->columns[column].flags & COLUMN_BYTES && parse_u64(cell, &number) >= 0)
                return format_bytes(number, buf);
        return cell;
}

static size_t column_width(const Table *t, size_t column, bool header)
{
        size_t width = header ? strlen(t->columns[column].name) : 0;
        char buf[FORMAT_MAX];

        for (size_t i = 0; i < t->n_rows; i++) {
                const char *cell = cell_text(t, i, column, buf);

                for (size_t l = 0; l < cell_lines(cell); l++) {
                        size_t size, w;
                        const char *s = cell_line(cell, l, &size);

                        w = text_columns(s, size);
                        if (w > width)
                                width = w;
                }
        }
        return width;
}

static bool is_one_of(const char *state, size_t n, const char *const *list)
{
        for (; *list; list++)
                if (strlen(*list) == n && memcmp(*list, state, n) == 0)
                        return true;
        return false;
}

/* A state in the finished text of a line. */
typedef struct Coloured {
        size_t from, to;        /* the same: there is none */
} Coloured;

static void print_coloured(FILE *f, const char *text, const Coloured *c)
{
        static const char *const good[] = { "running", "ready", "active", NULL }, *const bad[] = { "failed", "no answer", NULL };
        const char *state = text + c->from;
        const size_t n = c->to - c->from;

        fprintf(f, "%.*s", (int) c->from, text);
        if (is_one_of(state, n, good))
                terminal_style(f, "\x1b[32m");
        else if (is_one_of(state, n, bad))
                terminal_style(f, "\x1b[31m");
        else
                terminal_style(f, "\x1b[33m");
        fprintf(f, "%.*s", (int) n, state);
        terminal_style(f, "\x1b[0m");
        fprintf(f, "%s\n", text + c->to);
}

/* One line of a row's cells, without blanks at its end. */
static int print_row_line(const Table *t, size_t row, size_t line, FILE *f, unsigned flags, size_t width)
{
        _cleanup_memory_stream_ MemoryStream m = { 0 };
        _cleanup_free_ char *text = NULL;
        FILE *to = memory_stream_open(&m);
        Coloured state = { 0 };
        size_t blanks = 0;

        if (!to)
                return -ENOMEM;
        for (size_t i = 0; i < t->n_shown; i++) {
                const size_t c = t->shown[i];
                char buf[FORMAT_MAX];
                const char *cell = cell_text(t, row, c, buf);
                size_t size;
                const char *s = cell_line(cell, line, &size);
                size_t columns = text_columns(s, size);
                bool cut = columns > t->widths[c], right = t->columns[c].flags & (COLUMN_NUMBER | COLUMN_BYTES);

                while (cut && columns >= t->widths[c])
                        columns = text_columns(s, --size);
                if (right && size > 0)
                        blanks += t->widths[c] - columns - cut;
                if (size > 0)
                        fprintf(to, "%*s%.*s%s", (int) blanks, "", (int) size, s, cut ? "…" : "");
                if (t->columns[c].flags & COLUMN_STATE && flags & TABLE_COLOUR && size > 0 && !cut)
                        state = (Coloured) { (size_t) ftell(to) - size, (size_t) ftell(to) };
                blanks = (right && size > 0 ? 1 : t->widths[c] + 1 - columns - cut) + (size > 0 ? 0 : blanks);
        }
        text = memory_stream_take(&m);
        if (!text)
                return -ENOMEM;
        if (state.to > state.from && (width == 0 || text_columns(text, strlen(text)) <= width))
                print_coloured(f, text, &state);
        else
                print_cut(f, text, width);
        return 0;
}

static void print_header(const Table *t, FILE *f, bool colour)
{
        for (size_t i = 0; i < t->n_shown; i++) {
                const Column *column = &t->columns[t->shown[i]];
                size_t fill = t->widths[t->shown[i]] - strlen(column->name);
                bool last = i + 1 == t->n_shown, right = column->flags & (COLUMN_NUMBER | COLUMN_BYTES);

                if (colour)
                        terminal_style(f, "\x1b[4m");
                if (right)
                        fprintf(f, "%*s", (int) fill, "");
                for (const char *s = column->name; *s; s++)
                        fputc(*s == '_' ? ' ' : toupper((unsigned char) *s), f);
                if (!right && !last)
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

        return strverscmp(x[0] ? x[0] : "", y[0] ? y[0] : "");
}

static void show_columns(Table *t, unsigned hidden)
{
        t->n_shown = 0;
        for (size_t i = 0; t->chosen && i < t->n_chosen; i++)
                t->shown[t->n_shown++] = t->chosen[i];
        for (size_t i = 0; !t->chosen && i < t->n_columns; i++)
                if (!(t->columns[i].flags & hidden))
                        t->shown[t->n_shown++] = i;
}

/* A long cell in one column must not push the others off the line: the widest columns become narrower, but for the last one,
 * whose lines are cut. Does it fit then? */
static bool narrow(Table *t, size_t width)
{
        for (;;) {
                size_t total = t->n_shown - 1, widest = t->shown[0];

                for (size_t i = 0; i < t->n_shown; i++)
                        total += t->widths[t->shown[i]];
                for (size_t i = 1; i + 1 < t->n_shown; i++)
                        if (t->widths[t->shown[i]] > t->widths[widest])
                                widest = t->shown[i];
                if (total <= width)
                        return true;
                if (t->n_shown < 2 || t->widths[widest] <= COLUMN_MIN)
                        return false;
                t->widths[widest]--;
        }
}

/* Leaves out the column that is missed least. */
static bool leave_out(Table *t)
{
        size_t least = t->n_shown;

        for (size_t i = 0; i < t->n_shown; i++) {
                unsigned leave = t->columns[t->shown[i]].leave;

                if (leave > 0 && (least == t->n_shown || leave < t->columns[t->shown[least]].leave))
                        least = i;
        }
        if (least == t->n_shown)
                return false;
        memmove(&t->shown[least], &t->shown[least + 1], (t->n_shown - least - 1) * sizeof(size_t));
        t->n_shown--;
        return true;
}

/* Returns the number of columns left out. */
static int fit(Table *t, bool header, size_t width)
{
        int left_out = 0;

        for (;;) {
                for (size_t c = 0; c < t->n_columns; c++)
                        t->widths[c] = column_width(t, c, header);
                if (width == 0 || narrow(t, width) || !leave_out(t))
                        return left_out;
                left_out++;
        }
}

int table_print(Table *t, FILE *f, unsigned flags, size_t width)
{
        int r = 0, left_out;

        if (flags & TABLE_SORT && t->n_rows > 1)
                qsort(t->rows, t->n_rows, sizeof(*t->rows), compare_rows);
        show_columns(t, COLUMN_MORE);
        left_out = fit(t, flags & TABLE_HEADER, width);
        if (flags & TABLE_HEADER)
                print_header(t, f, flags & TABLE_COLOUR);

        for (size_t i = 0; i < t->n_rows; i++) {
                size_t lines = 1;

                for (size_t s = 0; s < t->n_shown; s++)
                        if (cell_lines(t->rows[i][t->shown[s]]) > lines)
                                lines = cell_lines(t->rows[i][t->shown[s]]);
                for (size_t l = 0; r >= 0 && l < lines; l++)
                        r = print_row_line(t, i, l, f, flags, width);
        }
        return r < 0 ? r : left_out;
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

static int put_cell(Json *j, const Column *column, const char *cell, bool texts)
{
        uint64_t number;

        if (texts)
                json_put_string(j, column->name, cell);
        else if (column->flags & COLUMN_LINES)
                return put_lines(j, column->name, cell);
        else if (cell && column->flags & (COLUMN_NUMBER | COLUMN_BYTES) && parse_u64(cell, &number) >= 0 &&
                 number <= INT64_MAX)
                json_put_number(j, column->name, (int64_t) number);
        else
                json_put_string(j, column->name, cell);
        return 0;
}

int table_print_json(Table *t, FILE *f, unsigned flags, OutputMode mode, Failure *failure)
{
        _cleanup_json_ Json *j = NULL;
        int r;

        r = json_new(&j, failure);
        if (r < 0)
                return r;
        if (t->n_rows > 1)
                qsort(t->rows, t->n_rows, sizeof(*t->rows), compare_rows);
        show_columns(t, COLUMN_TEXT_ONLY);
        json_begin_array(j, NULL);
        for (size_t i = 0; i < t->n_rows; i++) {
                json_begin_object(j, NULL);
                for (size_t s = 0; r >= 0 && s < t->n_shown; s++)
                        r = put_cell(j, &t->columns[t->shown[s]], t->rows[i][t->shown[s]], flags & TABLE_JSON_TEXTS);
                if (r < 0)
                        return failure_set(failure, r, "Out of memory");
                json_end(j);
        }
        json_end(j);
        r = json_print(j, f, output_json_indent(mode));
        return r < 0 && !terminal_stream_is_unread() ? failure_set(failure, r, "Failed to write the output: %m") : 0;
}
