/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Provenance (see layers-print.h). The settings know for each value who wrote it last; what several have added to is told
 * apart here by adding it up again, one writer after the other. For dry runs: pure, and slow.
 */

#include <string.h>

#include "config/layers-print.h"
#include "util/strv.h"

/* To add up takes time that grows by the square; nobody reads that much. */
enum { ADD_UP_MAX = 1000 };

/* Does b, which comes behind a, take a's place? Of Parameters= one writer's lines are a whole (values-exec.c). */
static bool replaces(const Assignment *b, const Assignment *a)
{
        return !(b->row->flags & SETTING_LIST) || !*b->value ||
               (b->row->id == SETTING_PARAMETERS && !source_same_writer(a->from, b->from));
}

int layers_written(const Layers *l, SettingId id, Written **ret, size_t *ret_n)
{
        _cleanup_free_ Written *items = NULL;
        const Assignment *behind = NULL;
        bool replaced = false;
        size_t n = 0;

        for (size_t i = 0; i < l->n; i++)
                for (size_t j = 0; j < l->items[i].said.n; j++) {
                        const Assignment *a = &l->items[i].said.items[j];
                        Written *item;

                        if (a->row->id != id)
                                continue;
                        item = array_append(&items, &n, sizeof(Written));
                        if (!item)
                                return -ENOMEM;
                        item->assignment = a;
                }

        for (size_t i = n; i-- > 0;) {
                const Assignment *a = items[i].assignment;

                if (!a->heeded)
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

/* One more writer: what was not there before is his. */
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

static int attribute(const Written *written, size_t n, ValueTexts *texts)
{
        _cleanup_(value_texts_done) ValueTexts sum = { 0 };
        _cleanup_(settings_done) Settings scratch;
        int r = 0;

        settings_init(&scratch);
        for (size_t i = 0; r >= 0 && i < n; i++)
                if (written[i].in_force)
                        r = add_up(written[i].assignment, &scratch, &sum);

        for (size_t i = 0; r >= 0 && i < texts->n; i++) {
                const ValueText *found = find(&sum, texts->items[i].text);

                if (found)
                        texts->items[i].from = found->from;
        }
        return r;
}

int layers_print(const Layers *l, const SettingRow *row, const Settings *s, ValueTexts *ret)
{
        _cleanup_(value_texts_done) ValueTexts texts = { 0 };
        _cleanup_free_ Written *written = NULL;
        size_t n = 0;
        int r;

        r = value_print(row, s, &texts);
        if (r >= 0 && row->flags & SETTING_LIST)
                r = layers_written(l, row->id, &written, &n);
        if (r >= 0 && n > 1 && n <= ADD_UP_MAX)
                r = attribute(written, n, &texts);
        if (r < 0)
                return r;

        *ret = texts;
        texts = (ValueTexts) { 0 };
        return 0;
}
