/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Lists of problems (see problem.h). Texts quote files and command lines, which may be hostile, so control characters
 * are removed here. boxctl and the supervisor; no privilege.
 */

#include <stdarg.h>
#include <stdio.h>

#include "config/problem.h"
#include "util/print.h"
#include "util/strv.h"
#include "util/text.h"

void problems_done(Problems *p)
{
        for (size_t i = 0; i < p->n; i++)
                free(p->items[i].text);
        free(p->items);
        *p = (Problems) { 0 };
}

static int _printf_(4, 0) problem_add(Problems *p, bool fatal, Source from, const char *format, va_list ap)
{
        _cleanup_free_ char *what = NULL, *text = NULL;
        char where[SOURCE_TEXT_MAX];
        Problem *item;

        if (strfv(&what, format, ap) < 0 ||
            strf(&text, "%s%s%s", from.where ? source_text(from, where) : "", from.where ? ": " : "", what) < 0)
                return -ENOMEM;
        text_make_printable(text);

        item = array_append(&p->items, &p->n, sizeof(Problem));
        if (!item)
                return -ENOMEM;
        *item = (Problem) { .fatal = fatal, .text = TAKE_PTR(text) };
        p->n_fatal += fatal;
        return 0;
}

int problem_error(Problems *p, Source from, const char *format, ...)
{
        va_list ap;
        int r;

        va_start(ap, format);
        r = problem_add(p, /* fatal= */ true, from, format, ap);
        va_end(ap);
        return r;
}

int problem_warning(Problems *p, Source from, const char *format, ...)
{
        va_list ap;
        int r;

        va_start(ap, format);
        r = problem_add(p, /* fatal= */ false, from, format, ap);
        va_end(ap);
        return r;
}
