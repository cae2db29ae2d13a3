/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Sources of values (see source.h). boxctl and the supervisor; pure, no privilege. */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "config/source.h"

const char *source_text(Source s, char buf[static SOURCE_TEXT_MAX])
{
        if (!s.where)
                (void) snprintf(buf, SOURCE_TEXT_MAX, "default");
        else if (source_is_switch(s) || source_is_document(s))
                (void) snprintf(buf, SOURCE_TEXT_MAX, "%s", s.where);
        else
                (void) snprintf(buf, SOURCE_TEXT_MAX, "%s:%u", s.where, s.line);
        return buf;
}

bool source_same_origin(Source a, Source b)
{
        if (!a.where || !b.where)
                return !a.where && !b.where;
        if (source_is_switch(a) || source_is_switch(b))
                return source_is_switch(a) && source_is_switch(b);
        if (source_is_document(a) || source_is_document(b))
                return source_is_document(a) && source_is_document(b);  /* there is one at most */
        return strcmp(a.where, b.where) == 0;
}

int failure_set_at(Failure *f, Source from, int error, const char *format, ...)
{
        char where[SOURCE_TEXT_MAX], what[sizeof(f->text)];
        va_list ap;

        if (!f || f->error != 0)
                return error;

        errno = -error;
        va_start(ap, format);
        (void) vsnprintf(what, sizeof(what), format, ap);
        va_end(ap);

        return failure_set(f, error, "%s%s%s", from.where ? source_text(from, where) : "", from.where ? ": " : "", what);
}
