/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * boxctl check: all that is wrong with the settings of machines, without starting one. Any user, as far as he may read
 * what the machine is made of.
 */

#include "ctl/dry-run.h"
#include "ctl/units.h"

static int check_one(Ctl *c, const char *name, Failure *failure)
{
        _cleanup_json_ Json *dry = NULL;
        size_t n_fatal;
        int r;

        r = name_check(name, /* image= */ false, failure);
        if (r >= 0)
                r = dry_run(c, name, NULL, &dry, failure);
        if (r < 0)
                return r;

        n_fatal = dry_run_report(name, json_root(dry));
        return n_fatal == 0 ? 0 : failure_set(failure, -EINVAL, "It would not start: %zu mistake%s", n_fatal,
                                              n_fatal == 1 ? "" : "s");
}

static int run(Ctl *c, char *const *args, size_t n)
{
        return each_name(c, args, n, check_one);
}

const Verb verb_check = {
        .name = "check",
        .min = 1,
        .max = VERB_ANY,
        .flags = VERB_OURS | VERB_TAKES_IMAGES,
        .synopsis = "NAME…",
        .help = "Say all that is wrong with machines' settings",
        .details = "Reads the files, drop-ins, profiles and switches that a start would read, decides all that it would "
                   "decide, and starts nothing. Fails where a start would.",
        .run = run,
};
