/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table of `boxctl top` (see top-table.h). Part of boxctl; no privilege. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl/top-table.h"
#include "util/clock.h"
#include "util/strv.h"
#include "util/terminal-stream.h"
#include "util/text.h"

static const struct {
        const char *name;
        char key;
        const char *label;
        TopValue values[3];             /* by their sum, or of pressures by the highest */
        size_t n;
} sorts[_TOP_SORT_MAX] = {
        [TOP_SORT_CPU] = { "cpu", 'c', "[c]pu", { TOP_CPU_USEC }, 1 },
        [TOP_SORT_MEMORY] = { "memory", 'm', "[m]emory", { TOP_MEMORY }, 1 },
        [TOP_SORT_SWAP] = { "swap", 's', "[s]wap", { TOP_SWAP }, 1 },
        [TOP_SORT_IO] = { "io", 'i', "[i]o", { TOP_READ, TOP_WRITTEN }, 2 },
        [TOP_SORT_TASKS] = { "tasks", 't', "[t]asks", { TOP_TASKS }, 1 },
        [TOP_SORT_PRESSURE] = { "pressure", 'p', "[p]ressure",
                                { TOP_PRESSURE_CPU, TOP_PRESSURE_MEMORY, TOP_PRESSURE_IO }, 3 },
        [TOP_SORT_NETWORK] = { "network", 'n', "[n]etwork", { TOP_RECEIVED, TOP_SENT }, 2 },
        [TOP_SORT_NAME] = { "name", 'a', "n[a]me" },
};

int top_sort_by_name(const char *name)
{
        for (size_t i = 0; i < _TOP_SORT_MAX; i++)
                if (strcmp(sorts[i].name, name) == 0)
                        return (int) i;
        return -EINVAL;
}

int top_sort_by_key(char key)
{
        for (size_t i = 0; i < _TOP_SORT_MAX; i++)
                if (sorts[i].key == key)
                        return (int) i;
        return -EINVAL;
}

/* ---- rows ----------------------------------------------------------------------------------------------------- */

/* The process tells a machine that was started anew from the one before. */
static const TopSample *find_before(const TopSample *before, size_t n, const TopSample *now)
{
        for (size_t i = 0; i < n; i++)
                if (before[i].leader == now->leader && strcmp(before[i].name, now->name) == 0)
                        return &before[i];
        return NULL;
}

static uint64_t rate(const TopSample *before, const TopSample *now, TopValue v)
{
        uint64_t usec = before ? now->at_usec - before->at_usec : 0;

        if (usec == 0 || now->values[v] == TOP_UNKNOWN || before->values[v] == TOP_UNKNOWN ||
            now->values[v] < before->values[v])
                return TOP_UNKNOWN;
        return (uint64_t) ((long double) (now->values[v] - before->values[v]) * USEC_PER_SEC / usec + 0.5L);
}

static void fill_row(const TopSample *before, const TopSample *now, TopRow *row)
{
        row->name = now->name;
        memcpy(row->values, now->values, sizeof(row->values));
        for (TopValue v = TOP_CPU_USEC; v <= TOP_SENT; v++)
                row->values[v] = rate(before, now, v);
        if (row->values[TOP_CPU_USEC] != TOP_UNKNOWN)
                row->values[TOP_CPU_USEC] /= USEC_PER_SEC / 10000;
}

/* One more than what is sorted by; 0: unknown. */
static uint64_t weight(const TopRow *row, TopSort sort)
{
        uint64_t w = 0;

        for (size_t i = 0; i < sorts[sort].n; i++) {
                uint64_t v = row->values[sorts[sort].values[i]] + 1;

                if (sort == TOP_SORT_PRESSURE)
                        w = v > w ? v : w;
                else
                        w += v;
        }
        return w;
}

static int compare_rows(const void *a, const void *b, void *userdata)
{
        const TopRow *x = a, *y = b;
        const TopSort *sort = userdata;
        uint64_t v = weight(x, *sort), w = weight(y, *sort);

        return v != w ? (v < w ? 1 : -1) : strverscmp(x->name, y->name);
}

int top_rows(const TopSample *before, size_t n_before, const TopSample *now, size_t n_now, TopSort sort, TopRow **ret)
{
        TopRow *rows = calloc(n_now + 1, sizeof(TopRow));

        if (!rows)
                return -ENOMEM;
        for (size_t i = 0; i < n_now; i++)
                fill_row(find_before(before, n_before, &now[i]), &now[i], &rows[i]);
        qsort_r(rows, n_now, sizeof(TopRow), compare_rows, &sort);
        *ret = rows;
        return 0;
}

/* ---- text ----------------------------------------------------------------------------------------------------- */

enum { NAME_MIN = 12, NAME_MAX_COLUMNS = 64, BAR_MIN = 5, BAR_MAX = 25, CELL_MAX = 160 };

typedef enum Kind {
        NAME,
        PERCENT,                        /* with one digit behind the point */
        WHOLE_PERCENT,
        BYTES,
        COUNT,
        BAR,
} Kind;

static const struct TopColumn {
        const char *group, *header;
        Kind kind;
        TopValue value;
        size_t width;
        unsigned rank;                  /* the highest goes first where there is no room */
} columns[] = {
        { "", "MACHINE", NAME, 0, NAME_MIN, 0 },
        { "", "CPU%", PERCENT, TOP_CPU_USEC, 5, 0 },
        { "", "", BAR, TOP_CPU_USEC, BAR_MIN, 7 },
        { "", "MEM", BYTES, TOP_MEMORY, 4, 1 },
        { "", "", BAR, TOP_MEMORY, BAR_MIN, 8 },
        { "", "SWAP", BYTES, TOP_SWAP, 4, 6 },
        { "", "TASKS", COUNT, TOP_TASKS, 5, 3 },
        { "DISK/s", "READ", BYTES, TOP_READ, 4, 2 },
        { "DISK/s", "WRITE", BYTES, TOP_WRITTEN, 5, 2 },
        { "PRESSURE%", "CPU", WHOLE_PERCENT, TOP_PRESSURE_CPU, 3, 5 },
        { "PRESSURE%", "MEM", WHOLE_PERCENT, TOP_PRESSURE_MEMORY, 3, 5 },
        { "PRESSURE%", "IO", WHOLE_PERCENT, TOP_PRESSURE_IO, 3, 5 },
        { "NET/s", "IN", BYTES, TOP_RECEIVED, 4, 4 },
        { "NET/s", "OUT", BYTES, TOP_SENT, 4, 4 },
};

/* Widths of the columns; 0: left out. */
typedef struct Widths {
        size_t of[ARRAY_SIZE(columns)];
} Widths;

static size_t total(const Widths *w)
{
        size_t sum = 0;

        for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
                sum += w->of[i] > 0 ? w->of[i] + (i > 0) : 0;
        return sum;
}

static void drop_columns(Widths *w, size_t width)
{
        for (unsigned rank = 8; rank > 0 && total(w) > width; rank--)
                for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
                        if (columns[i].rank == rank)
                                w->of[i] = 0;
}

static size_t longest_name(const TopRow *rows, size_t n)
{
        size_t longest = NAME_MIN;

        for (size_t i = 0; i < n; i++) {
                size_t k = text_columns(rows[i].name, strlen(rows[i].name));

                longest = k > longest ? k : longest;
        }
        return longest < NAME_MAX_COLUMNS ? longest : NAME_MAX_COLUMNS;
}

/* Names get what they need first, then bars. */
static Widths plan_widths(const TopRow *rows, size_t n, size_t width)
{
        size_t name = longest_name(rows, n);
        Widths w;

        for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
                w.of[i] = columns[i].width;
        if (width == 0) {
                w.of[0] = name;
                return w;
        }
        drop_columns(&w, width);
        while (total(&w) < width && w.of[0] < name)
                w.of[0]++;
        for (bool grown = true; grown;) {
                grown = false;
                for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
                        if (columns[i].kind == BAR && w.of[i] > 0 && w.of[i] < BAR_MAX && total(&w) < width) {
                                w.of[i]++;
                                grown = true;
                        }
        }
        return w;
}

/* At most four columns: "999", "1.2K", "45M". */
static void format_short(uint64_t n, char *buf)
{
        static const char units[] = "KMGTPE";
        uint64_t tenths = n;
        size_t i = 0;

        if (n < 1000) {
                (void) snprintf(buf, CELL_MAX, "%" PRIu64, n);
                return;
        }
        tenths = n < UINT64_MAX / 10 ? n * 10 / 1024 : n / 1024 * 10;
        for (; tenths >= 9995 && i + 2 < sizeof(units); i++)
                tenths /= 1024;
        if (tenths < 100)
                (void) snprintf(buf, CELL_MAX, "%" PRIu64 ".%" PRIu64 "%c", tenths / 10, tenths % 10, units[i]);
        else
                (void) snprintf(buf, CELL_MAX, "%" PRIu64 "%c", tenths / 10, units[i]);
}

/* The part of the host's CPUs, or of the memory that it may have, in thousandths. */
static unsigned part_of(const TopRow *row, TopValue v, const TopLook *look)
{
        uint64_t all = look->n_cpus * UINT64_C(10000), limit = row->values[TOP_MEMORY_LIMIT];
        long double part;

        if (v == TOP_MEMORY)
                all = limit < look->memory ? limit : look->memory;
        part = all > 0 && row->values[v] != TOP_UNKNOWN ? (long double) row->values[v] * 1000 / all : 0;
        return part > 1000 ? 1000 : (unsigned) part;
}

/* Eighths of a column. What is used at all has one. */
static void format_bar(unsigned part, bool known, size_t width, char *buf)
{
        static const char *const eighths[] = { "", "▏", "▎", "▍", "▌", "▋", "▊", "▉" };
        size_t n = part * width * 8 / 1000, at;

        n = n == 0 && part > 0 ? 1 : n;
        *buf = '\0';
        for (at = 0; at < n / 8; at++)
                buf = stpcpy(buf, "█");
        if (n % 8 > 0) {
                buf = stpcpy(buf, eighths[n % 8]);
                at++;
        }
        for (; at < width; at++)
                buf = stpcpy(buf, known ? "·" : " ");
}

static void format_cell(const struct TopColumn *col, const TopRow *row, const TopLook *look, size_t width, char *buf)
{
        uint64_t v = row->values[col->value];

        if (col->kind == BAR)
                format_bar(part_of(row, col->value, look), v != TOP_UNKNOWN, width, buf);
        else if (v == TOP_UNKNOWN)
                (void) snprintf(buf, CELL_MAX, "-");
        else if (col->kind == PERCENT && v < 1000 * 100)
                (void) snprintf(buf, CELL_MAX, "%" PRIu64 ".%" PRIu64, v / 100, v / 10 % 10);
        else if (col->kind == PERCENT || col->kind == WHOLE_PERCENT)
                (void) snprintf(buf, CELL_MAX, "%" PRIu64, v / 100);
        else if (col->kind == COUNT && v < 100000)
                (void) snprintf(buf, CELL_MAX, "%" PRIu64, v);
        else
                format_short(v, buf);
}

static void style(FILE *f, const TopLook *look, const char *sequence)
{
        if (look->colour)
                terminal_style(f, sequence);
}

static void print_name(FILE *f, const char *name, size_t width)
{
        size_t k = text_columns(name, strlen(name)), size = strlen(name);

        if (k > width)
                while (size > 0 && text_columns(name, size) > width - 1)
                        size--;
        size = k > width ? text_whole_characters(name, size) : size;
        fwrite(name, 1, size, f);
        if (k > width)
                fputs("…", f);
        for (; k < width; k++)
                fputc(' ', f);
}

static void print_row(FILE *f, const TopRow *row, const Widths *w, const TopLook *look)
{
        char cell[CELL_MAX];

        print_name(f, row->name, w->of[0]);
        for (size_t i = 1; i < ARRAY_SIZE(columns); i++) {
                unsigned part;

                if (w->of[i] == 0)
                        continue;
                format_cell(&columns[i], row, look, w->of[i], cell);
                fputc(' ', f);
                if (columns[i].kind != BAR) {
                        fprintf(f, "%*s", (int) w->of[i], cell);
                        continue;
                }
                part = part_of(row, columns[i].value, look);
                style(f, look, part < 500 ? "\x1b[32m" : part < 800 ? "\x1b[33m" : "\x1b[31m");
                fputs(cell, f);
                style(f, look, "\x1b[0m");
        }
        fputc('\n', f);
}

/* A group's name ends where its last column does. */
static void print_groups(FILE *f, const Widths *w)
{
        size_t blanks = w->of[0];
        bool any = false;

        for (size_t i = 1; i < ARRAY_SIZE(columns); i++) {
                const char *group = columns[i].group;

                blanks += w->of[i] > 0 ? w->of[i] + 1 : 0;
                if (w->of[i] > 0 && *group && (i + 1 == ARRAY_SIZE(columns) || strcmp(columns[i + 1].group, group) != 0)) {
                        fprintf(f, "%*s", (int) blanks, group);
                        blanks = 0;
                        any = true;
                }
        }
        if (any)
                fputc('\n', f);
}

static void print_header(FILE *f, const Widths *w, const TopLook *look)
{
        print_groups(f, w);
        style(f, look, "\x1b[4m");
        fprintf(f, "%-*s", (int) w->of[0], columns[0].header);
        for (size_t i = 1; i < ARRAY_SIZE(columns); i++)
                if (w->of[i] > 0)
                        fprintf(f, " %*s", (int) w->of[i], columns[i].header);
        style(f, look, "\x1b[0m");
        fputc('\n', f);
}

static void print_keys(FILE *f, const TopLook *look)
{
        size_t used = strlen("[q]uit  Sort:");

        fputs("[q]uit  Sort:", f);
        for (size_t i = 0; i < _TOP_SORT_MAX; i++) {
                used += strlen(sorts[i].label) + 1;
                if (look->width > 0 && used > look->width)
                        break;
                fputc(' ', f);
                style(f, look, i == look->sort ? "\x1b[1;7m" : "");
                fputs(sorts[i].label, f);
                style(f, look, i == look->sort ? "\x1b[0m" : "");
        }
        fputc('\n', f);
}

void top_print(FILE *f, const TopRow *rows, size_t n, const TopLook *look)
{
        Widths w = plan_widths(rows, n, look->width);
        size_t shown = n, heads = 2u + look->keys;

        if (look->keys)
                print_keys(f, look);
        print_header(f, &w, look);
        /* The last line tells how many there was no room for. */
        if (look->height > 0 && heads + n > look->height)
                shown = look->height > heads + 1 ? look->height - heads - 1 : 0;
        for (size_t i = 0; i < shown; i++)
                print_row(f, &rows[i], &w, look);
        if (n == 0)
                fputs("No machines.\n", f);
        else if (shown < n)
                fprintf(f, "… and %zu more\n", n - shown);
}

/* ---- JSON ----------------------------------------------------------------------------------------------------- */

static const char *const keys[_TOP_VALUE_MAX] = {
        [TOP_CPU_USEC] = "cpu_permyriad",
        [TOP_READ] = "read",
        [TOP_WRITTEN] = "written",
        [TOP_RECEIVED] = "received",
        [TOP_SENT] = "sent",
        [TOP_MEMORY] = "memory",
        [TOP_MEMORY_LIMIT] = "memory_limit",
        [TOP_SWAP] = "swap",
        [TOP_TASKS] = "tasks",
        [TOP_PRESSURE_CPU] = "pressure_cpu_permyriad",
        [TOP_PRESSURE_MEMORY] = "pressure_memory_permyriad",
        [TOP_PRESSURE_IO] = "pressure_io_permyriad",
};

int top_print_json(FILE *f, const TopRow *rows, size_t n, uint64_t now_usec, OutputMode mode, Failure *failure)
{
        _cleanup_json_ Json *j = NULL;
        int r = json_new(&j, failure);

        if (r < 0)
                return r;
        json_begin_object(j, NULL);
        json_put_number(j, "time_usec", (int64_t) now_usec);
        json_begin_array(j, "machines");
        for (size_t i = 0; i < n; i++) {
                json_begin_object(j, NULL);
                json_put_string(j, "machine", rows[i].name);
                for (size_t v = 0; v < _TOP_VALUE_MAX; v++)
                        if (rows[i].values[v] <= INT64_MAX)
                                json_put_number(j, keys[v], (int64_t) rows[i].values[v]);
                        else
                                json_put_string(j, keys[v], NULL);
                json_end(j);
        }
        json_end(j);
        json_end(j);
        r = json_print(j, f, output_json_indent(mode));
        if (r >= 0 && fflush(f) != 0)
                r = -EIO;
        return r < 0 && !terminal_stream_is_unread() ? failure_set(failure, r, "Failed to write the output: %m") : r;
}
