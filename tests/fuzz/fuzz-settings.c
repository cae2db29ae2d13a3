/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Any bytes as a machine's file, applied as one that is trusted and as one that is not: every row's parser gets what it
 * never expected, whatever was refused is told, and what is in force can be printed as texts that give the same again.
 */

#include <string.h>

#include "config/nspawn-file.h"
#include "config/values-print.h"
#include "fuzz.h"

/* The first row of each setting that files can have. */
static bool stands_for_setting(size_t i)
{
        for (size_t j = 0; j < i; j++)
                if (settings_table[j].key && settings_table[j].id == settings_table[i].id)
                        return false;
        return settings_table[i].key || settings_table[i].id == SETTING_OTHER_RESOURCE;
}

/* Every setting in force, as assignments of one file. */
static void print_all(const Settings *s, Assignments *ret)
{
        for (size_t i = 0; i < settings_table_size; i++) {
                _cleanup_(value_texts_done) ValueTexts texts = { 0 };

                if (!stands_for_setting(i))
                        continue;
                CHECK(value_print(&settings_table[i], s, &texts) == 0);
                for (size_t j = 0; j < texts.n; j++)
                        CHECK(assignments_add(ret, &settings_table[i], texts.items[j].text, (Source) { "again", 1 }) == 0);
        }
}

static void check_round_trip(const Settings *s)
{
        _cleanup_(assignments_done) Assignments once = { .trusted = true }, twice = { 0 };
        _cleanup_(problems_done) Problems problems = { 0 };
        _cleanup_(settings_done) Settings again;

        settings_init(&again);
        print_all(s, &once);
        CHECK(assignments_apply(&once, NULL, &again, &problems) == 0);
        for (size_t i = 0; i < problems.n; i++)
                fprintf(stderr, "%s\n", problems.items[i].text);
        CHECK(problems.n_fatal == 0);
        print_all(&again, &twice);
        CHECK(once.n == twice.n);
        for (size_t i = 0; i < once.n; i++)
                CHECK(once.items[i].row == twice.items[i].row && strcmp(once.items[i].value, twice.items[i].value) == 0);
}

static void apply(Assignments *a, bool trusted)
{
        _cleanup_(problems_done) Problems problems = { 0 };
        _cleanup_(settings_done) Settings s;

        a->trusted = trusted;
        settings_init(&s);
        CHECK(assignments_apply(a, NULL, &s, &problems) == 0);

        for (size_t i = 0; i < a->n; i++) {
                const Source *from = &s.from[a->items[i].row->id];

                /* Only what was said is in force, and only by who may say it. */
                CHECK(from->where || problems.n > 0);
                if (!trusted && from->where && a->items[i].row->flags & SETTING_PRIVILEGED)
                        CHECK(a->items[i].row->flags & SETTING_RESTRICTS);
        }
        check_round_trip(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_(assignments_done) Assignments a = { 0 };
        _cleanup_(problems_done) Problems problems = { 0 };

        CHECK(nspawn_file_parse("fuzz", (const char *) data, size, &a, &problems) == 0);
        apply(&a, /* trusted= */ true);
        apply(&a, /* trusted= */ false);
        return 0;
}
