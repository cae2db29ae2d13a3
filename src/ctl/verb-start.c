/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * boxctl start: StartUnit of box@NAME.service, for all machines at once, and the cause of each failure. Any user that polkit
 * lets manage units.
 */

#include "ctl/many.h"
#include "ctl/units.h"

static int run(Ctl *c, char *const *args, size_t n)
{
        _cleanup_free_ Failure *failures = calloc(n, sizeof(Failure));
        int r;

        if (!failures)
                return log_oom();
        r = units_start(c, args, n, failures);
        return r < 0 ? r : names_report(c, args, failures, n);
}

const Verb verb_start = {
        .name = "start",
        .min = 1,
        .max = VERB_ANY,
        .flags = VERB_AUTHORIZED | VERB_STARTS | VERB_TAKES_IMAGES | VERB_MANY | VERB_ALL,
        .synopsis = "NAME…",
        .help = "Start machines, each as its unit box@NAME.service",
        .details = "Waits until they are ready, or with --no-block, until systemd has queued the start. Prints why one could "
                   "not be started.",
        .done = "started",
        .example = "boxctl start web 'db*'",
        .run = run,
};
