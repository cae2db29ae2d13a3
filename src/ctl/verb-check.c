/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * boxctl check: reports all errors in machines' settings, without starting a machine. Any user who may read the machine's
 * files and tree.
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
                r = dry_run(c, name, "--check", &dry, failure);
        if (r < 0)
                return r;

        n_fatal = dry_run_report(name, json_root(dry));
        return n_fatal == 0 ? 0 : failure_set(failure, -EINVAL, "%zu error%s; the machine would not start", n_fatal,
                                              n_fatal == 1 ? "" : "s");
}

const Verb verb_check = {
        .name = "check",
        .min = 1,
        .max = VERB_ANY,
        .flags = VERB_OURS | VERB_TAKES_IMAGES,
        .synopsis = "NAME…",
        .help = "Report all errors in machines' settings",
        .details = "Reads the files, drop-ins, profiles and switches that a start would read, and starts nothing. Fails if a "
                   "start would fail.",
        .run_one = check_one,
};
