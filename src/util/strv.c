/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* String vectors and growing arrays (see strv.h). Any process, no state, no privilege. */

#include <string.h>

#include "util/print.h"
#include "util/strv.h"

char **strv_free(char **v)
{
        STRV_FOREACH(s, v)
                free(*s);
        free(v);
        return NULL;
}

size_t strv_length(char *const *v)
{
        size_t n = 0;

        STRV_FOREACH(s, v)
                n++;
        return n;
}

int strv_consume(char ***v, char *s)
{
        _cleanup_free_ char *owned = s;
        size_t n = strv_length(*v);
        char **p;

        if (!s)
                return -ENOMEM;
        p = reallocarray(*v, n + 2, sizeof(char *));
        if (!p)
                return -ENOMEM;

        p[n] = TAKE_PTR(owned);
        p[n + 1] = NULL;
        *v = p;
        return 0;
}

int strv_extend(char ***v, const char *s)
{
        return strv_consume(v, strdup(s));
}

int strv_env_set(char ***v, const char *name, const char *value)
{
        _cleanup_free_ char *entry = NULL;
        size_t n = strlen(name);

        if (strf(&entry, "%s=%s", name, value) < 0)
                return -ENOMEM;

        for (char **e = *v; e && *e; e++)
                if (strncmp(*e, name, n) == 0 && (*e)[n] == '=') {
                        free(*e);
                        *e = TAKE_PTR(entry);
                        return 0;
                }

        return strv_consume(v, TAKE_PTR(entry));
}

const char *strv_env_get(char *const *v, const char *name)
{
        size_t n = strlen(name);

        STRV_FOREACH(e, v)
                if (strncmp(*e, name, n) == 0 && (*e)[n] == '=')
                        return *e + n + 1;
        return NULL;
}

bool strv_contains(char *const *v, const char *s)
{
        STRV_FOREACH(e, v)
                if (strcmp(*e, s) == 0)
                        return true;
        return false;
}

int free_and_strdup(char **field, const char *text)
{
        char *copy = text ? strdup(text) : NULL;

        if (text && !copy)
                return -ENOMEM;
        free(*field);
        *field = copy;
        return 0;
}

void *array_append(void *array, size_t *n, size_t size)
{
        void **slot = array;
        char *p = *slot;

        /* Grown when the count is a power of two: no capacity needs to be kept beside it. */
        if ((*n & (*n - 1)) == 0) {
                size_t want = *n ? *n * 2 : 1;

                p = reallocarray(*slot, want, size);
                if (!p)
                        return NULL;
                *slot = p;
        }

        p += *n * size;
        memset(p, 0, size);
        (*n)++;
        return p;
}

int array_move(void *array, size_t *n, void *item, size_t size)
{
        void *place = array_append(array, n, size);

        if (!place)
                return -ENOMEM;
        memcpy(place, item, size);
        memset(item, 0, size);
        return 0;
}
