/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What differs between the settings in force and those that a start would have (see live-compare.h). box-run --live; pure. */

#include <stdio.h>
#include <string.h>

#include "live/live-compare.h"
#include "util/strv.h"

/* The values of one setting. */
typedef struct Span {
        const LiveValue *items;
        size_t n;
} Span;

static Span span_of(const LiveSettings *s, const SettingRow *row)
{
        size_t first = 0, n = 0;

        while (first < s->n && s->items[first].row != row)
                first++;
        while (first + n < s->n && s->items[first + n].row == row)
                n++;
        return (Span) { s->items + first, n };
}

static size_t count(Span s, const char *text, size_t n)
{
        size_t found = 0;

        for (size_t i = 0; i < n; i++)
                found += strcmp(s.items[i].text, text) == 0;
        return found;
}

/* Is value i of a, with those equal to it before it, in b as well? */
static bool has(Span a, size_t i, Span b)
{
        return count(a, a.items[i].text, i + 1) <= count(b, a.items[i].text, b.n);
}

static int add(LiveChange **list, size_t *n, const SettingRow *row, const LiveValue *before, const LiveValue *after)
{
        LiveChange *c = array_append(list, n, sizeof(LiveChange));

        if (!c)
                return -ENOMEM;
        *c = (LiveChange) { row, before, after };
        return 0;
}

static int compare_list(const SettingRow *row, Span before, Span after, LiveChange **list, size_t *n)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < before.n; i++)
                if (!has(before, i, after))
                        r = add(list, n, row, &before.items[i], NULL);
        for (size_t i = 0; r >= 0 && i < after.n; i++)
                if (!has(after, i, before))
                        r = add(list, n, row, NULL, &after.items[i]);
        return r;
}

static int compare_one(const SettingRow *row, Span before, Span after, LiveChange **list, size_t *n)
{
        if (row->flags & SETTING_LIST || before.n > 1 || after.n > 1)
                return compare_list(row, before, after, list, n);
        if (before.n == after.n && (before.n == 0 || strcmp(before.items->text, after.items->text) == 0))
                return 0;
        return add(list, n, row, before.n > 0 ? before.items : NULL, after.n > 0 ? after.items : NULL);
}

int live_compare(const LiveSettings *before, const LiveSettings *after, LiveChange **ret, size_t *ret_n)
{
        _cleanup_free_ LiveChange *list = NULL;
        size_t n = 0;

        for (size_t i = 0; i < settings_table_size; i++) {
                const SettingRow *row = &settings_table[i];

                if (compare_one(row, span_of(before, row), span_of(after, row), &list, &n) < 0)
                        return -ENOMEM;
        }
        *ret = TAKE_PTR(list);
        *ret_n = n;
        return 0;
}

static bool is_left(const LiveValue *v, const LiveChange *changes, const bool *done, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if ((changes[i].before == v && done[i]) || (changes[i].after == v && !done[i]))
                        return false;
        return true;
}

/* Is the value one that was there and stays, so that it counts once? */
static bool is_common(const LiveValue *v, const LiveChange *changes, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (changes[i].before == v || changes[i].after == v)
                        return false;
        return true;
}

static bool was_live(Span before, const LiveValue *v)
{
        for (size_t i = 0; i < before.n; i++)
                if (before.items[i].live && strcmp(before.items[i].text, v->text) == 0)
                        return true;
        return false;
}

/* common: those that both have; else those that changed. */
static int merge_span(Span s, Span before, bool common, const LiveChange *changes, const bool *done, size_t n, LiveSettings *ret)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < s.n; i++) {
                const LiveValue *v = &s.items[i];

                if (is_common(v, changes, n) != common || !is_left(v, changes, done, n))
                        continue;
                r = live_settings_add(ret, v->row, v->text, v->from);
                if (r >= 0)
                        ret->items[ret->n - 1].live = (!common && s.items != before.items) || was_live(before, v);
        }
        return r;
}

int live_merge(const LiveSettings *before, const LiveSettings *after, const LiveChange *changes, const bool *done, size_t n,
               LiveSettings *ret)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < settings_table_size; i++) {
                const Span was = span_of(before, &settings_table[i]), is = span_of(after, &settings_table[i]);

                /* What both have is taken with its place of now. */
                r = merge_span(is, was, true, changes, done, n, ret);
                if (r >= 0)
                        r = merge_span(was, was, false, changes, done, n, ret);
                if (r >= 0)
                        r = merge_span(is, was, false, changes, done, n, ret);
        }
        return r;
}

const char *live_change_name(const LiveChange *c, char buf[static LIVE_NAME_MAX])
{
        const char *text = c->after ? c->after->text : c->before->text;

        if (c->row->key)
                (void) snprintf(buf, LIVE_NAME_MAX, "%s", c->row->key);
        else if (c->row->section)
                (void) snprintf(buf, LIVE_NAME_MAX, "%.*s", (int) strcspn(text, "="), text);
        else
                (void) snprintf(buf, LIVE_NAME_MAX, "--%s", c->row->option);
        return buf;
}
