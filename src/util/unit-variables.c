/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Variables in the command line of a unit (see unit-variables.h). Any process, no privilege. */

#include <string.h>

#include "util/strv.h"
#include "util/unit-variables.h"

#define BLANKS " \t\r\n"

/* *ret is of env, and NULL where it is not set. */
static int look_up(const char *name, char *const *env, const char **ret, char ***unset)
{
        *ret = strv_env_get(env, name);
        return *ret || strv_contains(*unset, name) ? 0 : strv_extend(unset, name);
}

/* Takes the next word of a value: quotes go, a backslash stands for what follows it, an open quote ends with the value. */
static char *next_word(const char **text)
{
        const char *p = *text + strspn(*text, BLANKS);
        char *word = malloc(strlen(p) + 1), quote = 0;
        size_t n = 0;

        if (!word)
                return NULL;
        for (; *p && (quote || !strchr(BLANKS, *p)); p++)
                if (quote ? *p == quote : *p == '"' || *p == '\'')
                        quote = quote ? 0 : *p;
                else if (*p == '\\' && p[1])
                        word[n++] = *++p;
                else
                        word[n++] = *p;
        word[n] = 0;
        *text = p;
        return word;
}

static int append_words(const char *value, char ***ret)
{
        int r = 0;

        while (r >= 0 && value[strspn(value, BLANKS)])
                r = strv_consume(ret, next_word(&value));
        return r;
}

static int append(char **text, const char *more, size_t n)
{
        size_t size = *text ? strlen(*text) : 0;
        char *longer = realloc(*text, size + n + 1);

        if (!longer)
                return -ENOMEM;
        memcpy(longer + size, more, n);
        longer[size + n] = 0;
        *text = longer;
        return 0;
}

/* ${NAME} at p: appends its value, and moves p behind it. */
static int append_value(char **text, const char **p, const char *end, char *const *env, char ***unset)
{
        _cleanup_free_ char *name = strndup(*p + 2, (size_t) (end - *p) - 2);
        const char *value;
        int r = name ? look_up(name, env, &value, unset) : -ENOMEM;

        *p = end + 1;
        return r < 0 || !value ? r : append(text, value, strlen(value));
}

static int expand_within(const char *p, char *const *env, char **ret, char ***unset)
{
        _cleanup_free_ char *text = NULL;
        int r = append(&text, "", 0);

        while (r >= 0 && *p) {
                size_t plain = strcspn(p, "$");
                const char *end;

                if (plain > 0) {
                        r = append(&text, p, plain);
                        p += plain;
                        continue;
                }
                /* ${NAME:-other} is not for units, and stays. */
                end = p[1] == '{' ? p + strcspn(p, "}:") : NULL;
                if (end && *end == '}')
                        r = append_value(&text, &p, end, env, unset);
                else {
                        r = append(&text, p, 1);
                        p += p[1] == '$' ? 2 : 1;
                }
        }
        if (r < 0)
                return r;
        *ret = TAKE_PTR(text);
        return 0;
}

static int expand_word(const char *word, char *const *env, char ***ret, char ***unset)
{
        const char *value;
        char *text = NULL;
        int r;

        if (word[0] != '$' || word[1] == '{' || word[1] == '$') {
                r = expand_within(word, env, &text, unset);
                return r < 0 ? r : strv_consume(ret, text);
        }
        r = look_up(word + 1, env, &value, unset);
        return r < 0 || !value ? r : append_words(value, ret);
}

int unit_variables_expand(char *const *words, char *const *env, char ***ret, char ***ret_unset)
{
        _cleanup_strv_ char **expanded = NULL, **unset = NULL;
        int r = 0;

        STRV_FOREACH(word, words)
                if (r >= 0)
                        r = expand_word(*word, env, &expanded, &unset);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(expanded);
        *ret_unset = TAKE_PTR(unset);
        return 0;
}
