/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* boxctl stop, machinectl's poweroff: a clean shutdown, by stop.c. Any user that polkit allows it. */

#include "ctl/many.h"
#include "ctl/stop.h"

static int run(Ctl *c, char *const *args, size_t n)
{
        _cleanup_free_ Failure *failures = calloc(n, sizeof(Failure));
        int r;

        if (!failures)
                return log_oom();
        r = machines_stop(c, args, n, /* if_running= */ false, failures);
        return r < 0 ? r : names_report(c, args, failures, n);
}

const Verb verb_stop = {
        .name = "stop",
        .alias = "poweroff",
        .lite_name = "poweroff",
        .min = 1,
        .max = VERB_ANY,
        .flags = VERB_AUTHORIZED | VERB_TAKES_RUNNING | VERB_MANY | VERB_ALL,
        .synopsis = "NAME…",
        .help = "Shut machines down cleanly",
        .details = "Each by its init's own method. Waits until they are down, but not with --no-block or as "
                   "machinectl-lite.",
        .done = "stopped",
        .example = "boxctl stop --all",
        .run = run,
};
