/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The time line of a start (see blame.h): read, sorted and printed. Part of boxctl; no privilege. Names and times of units are
 * the payload's. */

#include <inttypes.h>
#include <string.h>

#include "ctl/blame.h"
#include "util/json.h"
#include "util/print.h"
#include "util/strv.h"
#include "util/text.h"

enum {
        UNITS_MAX = 4096,
        NAME_MAX_SHOWN = 255,
        BAR_COLUMNS = 24,
};

/* A unit's start that takes longer is no start. */
#define UNIT_MAX_USEC (UINT64_C(24) * 3600 * 1000 * 1000)

void blame_done(Blame *b)
{
        for (size_t i = 0; i < b->n; i++)
                free(b->steps[i].name);
        free(b->steps);
        free(b->failure);
        *b = (Blame) { 0 };
}

/* ---- reading -------------------------------------------------------------------------------------------------- */

static int add(Blame *b, const char *name, bool of_unit, uint64_t begin, uint64_t end)
{
        BlameStep *s = array_append(&b->steps, &b->n, sizeof(*s));

        if (!s)
                return -ENOMEM;
        *s = (BlameStep) { .name = strdup(name), .of_unit = of_unit, .begin_usec = begin, .end_usec = end };
        if (!s->name)
                return -ENOMEM;
        text_make_printable(s->name);
        if (end > b->total_usec)
                b->total_usec = end;
        return 0;
}

static int add_failure(Blame *b, const char *text)
{
        if (free_and_strdup(&b->failure, text) < 0)
                return -ENOMEM;
        text_make_printable(b->failure);
        return 0;
}

static int add_stage(Blame *b, const char *line)
{
        uint64_t begin, end;
        char name[64];

        if (strncmp(line, "! ", 2) == 0)
                return add_failure(b, line + 2);
        if (sscanf(line, "%63s %" SCNu64 " %" SCNu64, name, &begin, &end) != 3 || end < begin ||
            (b->n > 0 && begin < b->zero_usec))
                return -EBADMSG;
        if (b->n == 0)
                b->zero_usec = begin;
        begin -= b->zero_usec;
        end -= b->zero_usec;
        if (strcmp(name, "ready") == 0) {
                b->ready_usec = end;
                b->total_usec = end > b->total_usec ? end : b->total_usec;
                return 0;
        }
        b->up_usec = end;
        return add(b, name, /* of_unit= */ false, begin, end);
}

int blame_add_stages(Blame *b, const char *text)
{
        _cleanup_free_ char *copy = strdup(text);
        char *rest = copy, *line;
        int r = copy ? 0 : -ENOMEM;

        while (r >= 0 && (line = strsep(&rest, "\n")))
                if (*line)
                        r = add_stage(b, line);
        return r < 0 ? r : b->n > 0 || b->failure ? 0 : -EBADMSG;
}

static int add_unit(Blame *b, const char *line, int64_t offset_usec)
{
        int64_t begin, end, zero = (int64_t) b->zero_usec;
        char name[NAME_MAX_SHOWN + 1];

        if (sscanf(line, "%" SCNd64 " %" SCNd64 " %255[^\n]", &begin, &end, name) != 3 || begin < 0 || end <= begin ||
            end > INT64_MAX / 2 || end - begin > (int64_t) UNIT_MAX_USEC)
                return 0;
        begin -= offset_usec + zero;
        end -= offset_usec + zero;
        /* Of an earlier time, which the machine cannot have been in, or of a unit that was started by hand later. */
        if (begin < 0 || (b->ready_usec > 0 && begin > (int64_t) b->ready_usec))
                return 0;
        return add(b, name, /* of_unit= */ true, (uint64_t) begin, (uint64_t) end);
}

int blame_add_units(Blame *b, const char *text, int64_t offset_usec)
{
        _cleanup_free_ char *copy = strdup(text);
        char *rest = copy, *line;
        size_t n = 0;
        int r = copy ? 0 : -ENOMEM;

        while (r >= 0 && n++ < UNITS_MAX && (line = strsep(&rest, "\n")))
                r = add_unit(b, line, offset_usec);
        return r;
}

static uint64_t taken(const BlameStep *s)
{
        return s->end_usec - s->begin_usec;
}

static int compare(uint64_t a, uint64_t b)
{
        return a < b ? -1 : a > b;
}

static int compare_begin(const void *a, const void *b)
{
        const BlameStep *s = a, *t = b;
        int r = compare(s->begin_usec, t->begin_usec);

        return r != 0 ? r : strcmp(s->name, t->name);
}

static int compare_taken(const void *a, const void *b)
{
        int r = compare(taken(b), taken(a));

        return r != 0 ? r : compare_begin(a, b);
}

void blame_sort(Blame *b, bool by_begin)
{
        if (b->n > 1)
                qsort(b->steps, b->n, sizeof(*b->steps), by_begin ? compare_begin : compare_taken);
}

/* ---- text ----------------------------------------------------------------------------------------------------- */

/* "1.532s", "532ms", "0.5ms". */
static const char *span(uint64_t usec, char buf[static 32])
{
        if (usec >= 1000 * 1000)
                (void) snprintf(buf, 32, "%" PRIu64 ".%03us", usec / (1000 * 1000), (unsigned) (usec / 1000 % 1000));
        else if (usec >= 10 * 1000)
                (void) snprintf(buf, 32, "%" PRIu64 "ms", usec / 1000);
        else
                (void) snprintf(buf, 32, "%" PRIu64 ".%ums", usec / 1000, (unsigned) (usec / 100 % 10));
        return buf;
}

/* The step's part of the whole, of one column at least. */
static void print_bar(const Blame *b, const BlameStep *s, FILE *f)
{
        uint64_t total = b->total_usec > 0 ? b->total_usec : 1;
        uint64_t from = s->begin_usec * BAR_COLUMNS / total, to = (s->end_usec * BAR_COLUMNS + total - 1) / total;

        if (from >= BAR_COLUMNS)
                from = BAR_COLUMNS - 1;
        if (to <= from)
                to = from + 1;
        for (uint64_t i = 0; i < BAR_COLUMNS; i++)
                fputs(i >= from && i < to ? "█" : "·", f);
}

static void print_sum(const Blame *b, FILE *f)
{
        char whole[32], ours[32], rest[32];

        if (b->failure && b->n == 0)
                fprintf(f, "%s could not be started: it failed before the first step.\n\n", b->machine);
        else if (b->failure)
                fprintf(f, "%s could not be started: it failed after %s.\n\n", b->machine, span(b->total_usec, whole));
        else if (b->ready_usec > 0)
                fprintf(f, "%s was ready after %s: box-run took %s, then the machine %s.\n\n", b->machine,
                        span(b->ready_usec, whole), span(b->up_usec, ours),
                        span(b->ready_usec > b->up_usec ? b->ready_usec - b->up_usec : 0, rest));
        else
                fprintf(f, "%s is not ready so far: box-run took %s, and the machine still starts.\n\n", b->machine,
                        span(b->up_usec, ours));
}

void blame_print(const Blame *b, FILE *f, bool legend, size_t width)
{
        char time[32], begin[32];

        if (legend) {
                print_sum(b, f);
                fprintf(f, "%9s %9s %-*s STEP\n", "TIME", "AFTER", BAR_COLUMNS, "");
        }
        for (size_t i = 0; i < b->n; i++) {
                const BlameStep *s = b->steps + i;
                _cleanup_free_ char *name = NULL;

                fprintf(f, "%9s %9s ", span(taken(s), time), span(s->begin_usec, begin));
                print_bar(b, s, f);
                fputc(' ', f);
                if (strf(&name, "%s%s", s->of_unit ? "" : "box: ", s->name) >= 0)
                        print_cut(f, name, width > BAR_COLUMNS + 32 ? width - BAR_COLUMNS - 21 : 0);
        }
        if (b->failure)
                fprintf(f, "× %s\n", b->failure);
}

int blame_print_json(const Blame *b, FILE *f, OutputMode mode, Failure *failure)
{
        _cleanup_json_ Json *j = NULL;
        int r = json_new(&j, failure);

        if (r < 0)
                return r;
        json_begin_object(j, NULL);
        json_put_string(j, "machine", b->machine);
        json_put_number(j, "up_usec", (int64_t) b->up_usec);
        if (b->ready_usec > 0)
                json_put_number(j, "ready_usec", (int64_t) b->ready_usec);
        else
                json_put_string(j, "ready_usec", NULL);
        json_put_string(j, "failure", b->failure);
        json_begin_array(j, "steps");
        for (size_t i = 0; i < b->n; i++) {
                const BlameStep *s = b->steps + i;

                json_begin_object(j, NULL);
                json_put_string(j, "name", s->name);
                json_put_string(j, "of", s->of_unit ? "machine" : "box");
                json_put_number(j, "begin_usec", (int64_t) s->begin_usec);
                json_put_number(j, "end_usec", (int64_t) s->end_usec);
                json_put_number(j, "usec", (int64_t) taken(s));
                json_end(j);
        }
        json_end(j);
        json_end(j);
        r = json_print(j, f, output_json_indent(mode));
        return r < 0 ? failure_set(failure, r, "Failed to write the output: %m") : 0;
}

/* ---- a picture ------------------------------------------------------------------------------------------------ */

/* Names are printable UTF-8 already. */
static void print_xml(FILE *f, const char *text)
{
        for (; *text; text++)
                switch (*text) {
                case '&':
                        fputs("&amp;", f);
                        break;
                case '<':
                        fputs("&lt;", f);
                        break;
                case '>':
                        fputs("&gt;", f);
                        break;
                case '"':
                        fputs("&quot;", f);
                        break;
                default:
                        fputc(*text, f);
                }
}

enum {
        PLOT_LEFT = 20,
        PLOT_TOP = 60,
        PLOT_ROW = 18,
        PLOT_WIDTH = 1000,
        PLOT_TEXT = 420,        /* right of the last bar */
        PLOT_TICKS = 10,
};

static double plot_x(const Blame *b, uint64_t usec)
{
        return PLOT_LEFT + (double) usec * PLOT_WIDTH / (double) (b->total_usec > 0 ? b->total_usec : 1);
}

static void plot_row(const Blame *b, FILE *f, const BlameStep *s, size_t row)
{
        double x = plot_x(b, s->begin_usec), width = plot_x(b, s->end_usec) - x;
        size_t y = PLOT_TOP + row * PLOT_ROW;
        char time[32];

        fprintf(f, "<rect class=\"%s\" x=\"%.2f\" y=\"%zu\" width=\"%.2f\" height=\"%d\"/>\n", s->of_unit ? "unit" : "box", x, y,
                width < 1 ? 1 : width, PLOT_ROW - 4);
        fprintf(f, "<text x=\"%.2f\" y=\"%zu\">", x + (width < 1 ? 1 : width) + 4, y + PLOT_ROW - 7);
        print_xml(f, s->of_unit ? "" : "box: ");
        print_xml(f, s->name);
        fprintf(f, " (%s)</text>\n", span(taken(s), time));
}

static void plot_line(const Blame *b, FILE *f, uint64_t usec, const char *class, const char *text)
{
        double x = plot_x(b, usec);
        char time[32];

        fprintf(f, "<line class=\"%s\" x1=\"%.2f\" y1=\"%d\" x2=\"%.2f\" y2=\"%zu\"/>\n", class, x, PLOT_TOP - 10, x,
                PLOT_TOP + b->n * PLOT_ROW);
        fprintf(f, "<text x=\"%.2f\" y=\"%d\">%s%s</text>\n", x + 2, PLOT_TOP - (*text ? 26 : 12), text, span(usec, time));
}

void blame_plot(const Blame *b, FILE *f)
{
        char time[32];

        fprintf(f, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                   "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%zu\">\n"
                   "<style>text { font: 12px sans-serif } line { stroke: #ccc } line.mark { stroke: #a00 } "
                   "rect.box { fill: #47a } rect.unit { fill: #7a4 }</style>\n"
                   "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n", PLOT_LEFT + PLOT_WIDTH + PLOT_TEXT,
                PLOT_TOP + b->n * PLOT_ROW + 20);
        fprintf(f, "<text x=\"%d\" y=\"18\">The start of machine ", PLOT_LEFT);
        print_xml(f, b->machine);
        fprintf(f, ", %s</text>\n", span(b->total_usec, time));
        for (uint64_t i = 0; i <= PLOT_TICKS; i++)
                plot_line(b, f, b->total_usec * i / PLOT_TICKS, "tick", "");
        plot_line(b, f, b->up_usec, "mark", b->failure ? "failed " : "up ");
        if (b->ready_usec > 0)
                plot_line(b, f, b->ready_usec, "mark", "ready ");
        for (size_t i = 0; i < b->n; i++)
                plot_row(b, f, b->steps + i, i);
        if (b->failure) {
                fprintf(f, "<text x=\"%d\" y=\"%zu\">", PLOT_LEFT, PLOT_TOP + b->n * PLOT_ROW + 14);
                print_xml(f, b->failure);
                fputs("</text>\n", f);
        }
        fputs("</svg>\n", f);
}
