/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Failures as values (see failure.h). Silent: the mains print them. Any process, no privilege. */

#include <stdarg.h>
#include <stdio.h>

#include "util/failure.h"
#include "util/text.h"

int failure_set(Failure *f, int error, const char *format, ...)
{
        va_list ap;

        if (!f || f->error != 0)
                return error;

        errno = -error;
        va_start(ap, format);
        (void) vsnprintf(f->text, sizeof(f->text), format, ap);
        va_end(ap);

        /* It may have names from a payload. */
        text_make_printable(f->text);

        f->error = error;
        return error;
}
