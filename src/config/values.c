/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Plain values: booleans, choices, names and paths, and helpers of the other parsers (see values.h). boxctl and the
 * supervisor, before anything is changed; no privilege. Texts are not trusted.
 */

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "config/values.h"
#include "util/parse.h"
#include "util/strv.h"
#include "util/text.h"

_Static_assert(sizeof(ConsoleMode) == sizeof(int) && sizeof(SettingsMode) == sizeof(int) &&
               sizeof(RegisterMode) == sizeof(int) && sizeof(LinkJournal) == sizeof(int) &&
               sizeof(BootTime) == sizeof(int) && sizeof(HostView) == sizeof(int) && sizeof(Volatile) == sizeof(int) &&
               sizeof(ResolvConf) == sizeof(int) && sizeof(Timezone) == sizeof(int),
               "value_choice() stores all of them as int");

void *value_field(const SettingRow *row, Settings *s)
{
        return (char *) s + row->offset;
}

int value_refuse(char *reterr_reason, const char *format, ...)
{
        va_list ap;

        va_start(ap, format);
        (void) vsnprintf(reterr_reason, SETTING_REASON_MAX, format, ap);
        va_end(ap);
        return -EINVAL;
}

int value_next_item(const char **text, char **ret)
{
        static const char separators[] = " \t,";
        const char *p = *text + strspn(*text, separators);
        size_t n = strcspn(p, separators);
        char *item;

        if (n == 0) {
                *text = p;
                return 0;
        }
        item = strndup(p, n);
        if (!item)
                return -ENOMEM;

        *text = p + n;
        *ret = item;
        return 1;
}

int value_split(const char *text, bool (*is_valid)(const char *), const char *invalid, char ***ret, char *reterr_reason)
{
        _cleanup_strv_ char **items = NULL;

        for (;;) {
                char *item = NULL;
                int r = value_next_item(&text, &item);

                if (r == 0)
                        break;
                if (r > 0)
                        r = strv_consume(&items, item);
                if (r < 0)
                        return r;
                if (!is_valid(item))
                        return value_refuse(reterr_reason, "%s: '%s'", invalid, item);
        }
        *ret = TAKE_PTR(items);
        return 0;
}

int value_add_string(StringList *l, const char *text, Source from)
{
        _cleanup_free_ char *copy = strdup(text);
        StringSetting *item = copy ? array_append(&l->items, &l->n, sizeof(*item)) : NULL;

        if (!item)
                return -ENOMEM;
        *item = (StringSetting) { TAKE_PTR(copy), from };
        return 0;
}

int value_next_field(const char **text, char **ret)
{
        _cleanup_free_ char *field = NULL;
        const char *p = *text, *end = p;
        size_t n = 0;

        if (!p)
                return 0;
        while (*end && *end != ':')
                end += end[0] == '\\' && end[1] ? 2 : 1;
        field = malloc((size_t) (end - p) + 1);
        if (!field)
                return -ENOMEM;

        for (; p < end; p++) {
                if (*p == '\\' && !*++p)
                        return -EINVAL;
                field[n++] = *p;
        }
        field[n] = 0;

        *text = *p ? p + 1 : NULL;
        *ret = TAKE_PTR(field);
        return 1;
}

int value_path(const char *text, char **ret, char *reterr_reason)
{
        _cleanup_free_ char *path = NULL;
        size_t n = 0;

        if (text[0] != '/')
                return value_refuse(reterr_reason, "not an absolute path: '%s'", text);
        if (strlen(text) >= PATH_MAX)
                return value_refuse(reterr_reason, "path is too long");
        path = malloc(strlen(text) + 1);
        if (!path)
                return -ENOMEM;

        for (const char *p = text; *p;) {
                size_t skip = strspn(p, "/"), len = strcspn(p + skip, "/");

                p += skip;
                if (len == 2 && p[0] == '.' && p[1] == '.')
                        return value_refuse(reterr_reason, "\"..\" in a path: '%s'", text);
                if (len > 0 && !(len == 1 && p[0] == '.')) {
                        path[n++] = '/';
                        memcpy(path + n, p, len);
                        n += len;
                }
                p += len;
        }
        if (n == 0)
                path[n++] = '/';
        path[n] = 0;

        *ret = TAKE_PTR(path);
        return 0;
}

int value_bool(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        bool *field = value_field(row, s), value = false;

        if (*text && parse_bool(text, &value) < 0)
                return value_refuse(reterr_reason, "not a boolean (yes or no)");

        *field = value;
        return 0;
}

int value_tristate(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        Tristate *field = value_field(row, s);
        bool value;

        if (!*text) {
                *field = UNSET;
                return 0;
        }
        if (parse_bool(text, &value) < 0)
                return value_refuse(reterr_reason, "not a boolean (yes or no)");

        *field = value ? YES : NO;
        return 0;
}

static int refuse_choice(const SettingRow *row, char *reterr_reason)
{
        size_t n = (size_t) snprintf(reterr_reason, SETTING_REASON_MAX, "not one of");

        for (size_t i = 0; row->words[i] && n < SETTING_REASON_MAX; i++)
                n += (size_t) snprintf(reterr_reason + n, SETTING_REASON_MAX - n, "%s %s", i > 0 ? "," : "",
                                       row->words[i]);
        return -EINVAL;
}

/* The index of a word of a choice, or -1. */
static int find_choice(const SettingRow *row, const char *word)
{
        for (int i = 0; row->words[i]; i++)
                if (strcmp(row->words[i], word) == 0)
                        return i;
        return -1;
}

int value_choice(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        int *field = value_field(row, s), i;
        bool b;

        /* If "yes", "no" or "off" is a choice, every spelling of a boolean is accepted. */
        if (parse_bool(text, &b) == 0)
                text = b ? "yes" : find_choice(row, "no") >= 0 ? "no" : "off";

        i = *text ? find_choice(row, text) : 0;         /* the first word is the default */
        /* With "no" and several positive choices (LinkJournal=), "yes" means the default. */
        if (i < 0 && strcmp(text, "yes") == 0 && (find_choice(row, "no") >= 0 || find_choice(row, "off") >= 0))
                i = 0;
        if (i < 0)
                return refuse_choice(row, reterr_reason);
        *field = i;
        return 0;
}

int value_string(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        return free_and_strdup(value_field(row, s), *text ? text : NULL);
}

int value_hostname(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        const char *problem = *text ? hostname_problem(text) : NULL;

        if (problem)
                return value_refuse(reterr_reason, "not a valid name: %s", problem);

        return value_string(row, text, from, s, reterr_reason);
}

int value_absolute_path(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        _cleanup_free_ char *path = NULL;
        char **field = value_field(row, s);
        int r;

        if (*text) {
                r = value_path(text, &path, reterr_reason);
                if (r < 0)
                        return r;
        }

        free(*field);
        *field = TAKE_PTR(path);
        return 0;
}

int value_share_system(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        int r = value_bool(row, text, from, s, reterr_reason);

        if (r < 0 || !s->share_system)
                return r;
        (void) value_refuse(reterr_reason, "deprecated switch of systemd-nspawn; set $SYSTEMD_NSPAWN_SHARE_NS_PID, "
                                           "$SYSTEMD_NSPAWN_SHARE_NS_UTS and $SYSTEMD_NSPAWN_SHARE_NS_IPC instead");
        return SETTING_TAKEN_WITH_WARNING;
}

int value_slice(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-_.\\";
        static const char suffix[] = ".slice";
        char name[NAME_MAX + 1];
        size_t n = strlen(text), m = sizeof(suffix) - 1;

        if (!*text)
                return free_and_strdup(&s->slice, NULL);
        if (n > m && strcmp(text + n - m, suffix) == 0)
                n -= m;
        /* Names are paths with "-" as separator: a-b.slice is below a.slice. Components must not be empty, except that
         * "-.slice" is the root slice. A name that begins with "." has no name before its suffix, or that of a hidden
         * file. */
        if (strspn(text, allowed) < n || n + m > NAME_MAX || text[0] == '.' ||
            (n > 1 && (text[0] == '-' || text[n - 1] == '-' || memmem(text, n, "--", 2))))
                return value_refuse(reterr_reason, "not a valid slice name");

        (void) snprintf(name, sizeof(name), "%.*s%s", (int) n, text, suffix);
        return free_and_strdup(&s->slice, name);
}
