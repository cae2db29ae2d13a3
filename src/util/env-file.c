/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reader of NAME=VALUE lines (see env-file.h). Any process, no privilege; the input may be anything at all. */

#include <string.h>

#include "util/env-file.h"

/* As a shell does: a backslash escapes any character outside of quotes, some within "", none within ''. White space at the
 * end goes, unless it is quoted. A quote that is not closed ends with the line. */
static void unquote(char *s)
{
        char *to = s, *end = s, quote = 0;

        for (; *s; s++) {
                bool quoted = quote;

                if (*s == '\\' && s[1] && (!quote || (quote == '"' && strchr("\"\\`$", s[1])))) {
                        *to++ = *++s;
                        quoted = true;
                } else if (quote ? *s == quote : *s == '"' || *s == '\'') {
                        quote = quote ? 0 : *s;
                        quoted = true;
                } else
                        *to++ = *s;
                if (quoted || !strchr(" \t\r", *s))
                        end = to;
        }
        *end = 0;
}

char *env_file_next(char **text)
{
        char *line;

        while ((line = strsep(text, "\n"))) {
                char *eq, *value, *name_end;

                line += strspn(line, " \t");
                eq = strchr(line, '=');
                if (!eq || eq == line || *line == '#' || *line == ';')
                        continue;
                value = eq + 1 + strspn(eq + 1, " \t");
                unquote(value);
                for (name_end = eq; strchr(" \t", name_end[-1]); name_end--)
                        ;
                *name_end++ = '=';
                memmove(name_end, value, strlen(value) + 1);
                return line;
        }
        return NULL;
}
