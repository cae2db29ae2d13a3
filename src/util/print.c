/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Allocated text, and lines for terminals (see print.h). Any process, no state, no privilege. */

#include <string.h>

#include "util/print.h"
#include "util/text.h"

int strfv(char **ret, const char *format, va_list ap)
{
        /* *ret is undefined after a failure of asprintf(). */
        if (vasprintf(ret, format, ap) >= 0)
                return 0;
        *ret = NULL;
        return -ENOMEM;
}

int strf(char **ret, const char *format, ...)
{
        va_list ap;
        int r;

        va_start(ap, format);
        r = strfv(ret, format, ap);
        va_end(ap);
        return r;
}

FILE *memory_stream_open(MemoryStream *m)
{
        m->file = open_memstream(&m->text, &m->size);
        return m->file;
}

char *memory_stream_take(MemoryStream *m)
{
        return fclose(TAKE_PTR(m->file)) == 0 ? TAKE_PTR(m->text) : NULL;
}

void memory_stream_done(MemoryStream *m)
{
        if (m->file)
                fclose(m->file);
        free(m->text);
        *m = (MemoryStream) { 0 };
}

void print_cut(FILE *f, const char *line, size_t width)
{
        size_t n = strlen(line);
        bool cut = width > 0 && text_columns(line, n) > width;

        if (cut)
                for (n = 0; text_columns(line, n + 1) < width; n++)
                        ;
        fprintf(f, "%.*s%s\n", (int) n, line, cut ? "…" : "");
}

void print_filled(FILE *f, const char *text, size_t at, size_t indent)
{
        enum { WIDTH = 79 };
        bool first = true;

        while (*text) {
                size_t n = strcspn(text, " \n"), w = text_columns(text, n);

                if (*text == '\n' || (!first && at + 1 + w > WIDTH)) {
                        fprintf(f, "\n%*s", (int) indent, "");
                        at = indent;
                        first = true;
                }
                fprintf(f, "%s%.*s", first ? "" : " ", (int) n, text);
                at += w + !first;
                first = n == 0;
                text += n;
                text += *text == ' ' || n == 0;
        }
        fputc('\n', f);
}

void print_help_row(FILE *f, const char *left, const char *text, size_t column)
{
        size_t w = text_columns(left, strlen(left));

        fputs(left, f);
        if (w >= column)
                fputc('\n', f);
        fprintf(f, "%*s", (int) (w >= column ? column : column - w), "");
        print_filled(f, text, column, column);
}
