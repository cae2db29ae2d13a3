/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Any bytes as a machine's file, applied as one that is trusted and as one that is not: every row's parser gets what it
 * never expected, and whatever was refused is told.
 */

#include <string.h>

#include "config/nspawn-file.h"
#include "fuzz.h"

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
