/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Finds the sources of values (see settings-source-print.h). Settings record the last source of each value only; for a list,
 * the assignments are applied again one by one to see which added what. For dry runs: pure, and slow.
 */

#include <string.h>

#include "config/settings-source-print.h"
#include "util/strv.h"

/* Attributing a list is quadratic, hence the cap. */
enum { ADD_UP_MAX = 1000 };

/* Does b, which comes after a, replace it? All Parameters= of one source are one value (values-exec.c). */
static bool replaces(const Assignment *b, const Assignment *a)
{
        return !(b->row->flags & SETTING_LIST) || !*b->value ||
               (b->row->id == SETTING_PARAMETERS && !source_same_origin(a->from, b->from));
}

int setting_assignments(const SettingsSources *sources, SettingId id, AssignmentRef **ret, size_t *ret_n)
{
        _cleanup_free_ AssignmentRef *items = NULL;
        const Assignment *behind = NULL;
        bool replaced = false;
        size_t n = 0;

        for (size_t i = 0; i < sources->n; i++)
                for (size_t j = 0; j < sources->items[i].assignments.n; j++) {
                        const Assignment *a = &sources->items[i].assignments.items[j];
                        AssignmentRef ref = { .assignment = a };

                        if (a->row->id == id && array_move(&items, &n, &ref, sizeof(ref)) < 0)
                                return -ENOMEM;
                }

        for (size_t i = n; i-- > 0;) {
                const Assignment *a = items[i].assignment;

                if (!a->applied)
                        continue;
                replaced = replaced || (behind && replaces(behind, a));
                items[i].in_force = !replaced;
                behind = a;
        }

        *ret = TAKE_PTR(items);
        *ret_n = n;
        return 0;
}

static const ValueText *find(const ValueTexts *t, const char *text)
{
        for (size_t i = 0; i < t->n; i++)
                if (strcmp(t->items[i].text, text) == 0)
                        return &t->items[i];
        return NULL;
}

/* Applies one more assignment; new values are attributed to it. */
static int add_up(const Assignment *a, Settings *scratch, ValueTexts *sum)
{
        _cleanup_(value_texts_done) ValueTexts before = *sum;
        char reason[SETTING_REASON_MAX];
        int r;

        *sum = (ValueTexts) { 0 };
        r = a->row->parse(a->row, a->value, a->from, scratch, reason);
        if (r == -ENOMEM)
                return r;
        scratch->from[a->row->id] = a->from;
        r = value_print(a->row, scratch, sum);
        for (size_t i = 0; r >= 0 && i < sum->n; i++) {
                const ValueText *was = find(&before, sum->items[i].text);

                sum->items[i].from = was ? was->from : a->from;
        }
        return r;
}

static int attribute(const AssignmentRef *refs, size_t n, ValueTexts *texts)
{
        _cleanup_(value_texts_done) ValueTexts sum = { 0 };
        _cleanup_(settings_done) Settings scratch;
        int r = 0;

        settings_init(&scratch);
        for (size_t i = 0; r >= 0 && i < n; i++)
                if (refs[i].in_force)
                        r = add_up(refs[i].assignment, &scratch, &sum);

        for (size_t i = 0; r >= 0 && i < texts->n; i++) {
                const ValueText *found = find(&sum, texts->items[i].text);

                if (found)
                        texts->items[i].from = found->from;
        }
        return r;
}

int settings_sources_print(const SettingsSources *sources, const SettingRow *row, const Settings *s, ValueTexts *ret)
{
        _cleanup_(value_texts_done) ValueTexts texts = { 0 };
        _cleanup_free_ AssignmentRef *refs = NULL;
        size_t n = 0;
        int r;

        r = value_print(row, s, &texts);
        if (r >= 0 && row->flags & SETTING_LIST)
                r = setting_assignments(sources, row->id, &refs, &n);
        if (r >= 0 && n > 1 && n <= ADD_UP_MAX)
                r = attribute(refs, n, &texts);
        if (r < 0)
                return r;

        *ret = texts;
        texts = (ValueTexts) { 0 };
        return 0;
}
