/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Specifiers (see specifier.h), by the rules of systemd's specifier_printf(). Every process of box; no privilege. */

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "util/print.h"
#include "util/specifier.h"

/* Prints what stands after a percent sign. */
static int put_one(const char **p, SpecifierLookup lookup, const void *userdata, FILE *f)
{
        _cleanup_free_ char *text = NULL;
        int r;

        if (!isalnum((unsigned char) **p)) {
                *p += **p == '%';
                fputc('%', f);
                return 0;
        }
        r = lookup(**p, userdata, &text);
        if (r <= 0)
                return r < 0 ? r : -EBADSLT;
        fputs(text, f);
        (*p)++;
        return 0;
}

int specifier_expand(const char *text, SpecifierLookup lookup, const void *userdata, char **ret, char *ret_letter)
{
        _cleanup_memory_stream_ MemoryStream m = {};
        FILE *f = memory_stream_open(&m);
        int r;

        if (!f)
                return -ENOMEM;
        for (const char *p = text; *p;) {
                if (*p != '%') {
                        fputc(*p++, f);
                        continue;
                }
                p++;
                *ret_letter = *p;
                r = put_one(&p, lookup, userdata, f);
                if (r < 0)
                        return r;
        }
        *ret = memory_stream_take(&m);
        return *ret ? 0 : -ENOMEM;
}
