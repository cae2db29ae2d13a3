/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Allocated text from printf formats (see print.h). Any process, no state, no privilege. */

#include "util/print.h"

int strfv(char **ret, const char *format, va_list ap)
{
        /* What asprintf() leaves in *ret on failure is undefined. */
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
