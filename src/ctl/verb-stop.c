/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* boxctl stop, machinectl's poweroff: a clean shutdown. How, and why so, is in stop.c. */

#include "ctl/stop.h"

static int run(Ctl *c, char *const *args, size_t n)
{
        return machines_stop(c, args, n, /* if_running= */ false);
}

const Verb verb_stop = {
        .name = "stop",
        .alias = "poweroff",
        .lite_name = "poweroff",
        .min = 1,
        .max = VERB_ANY,
        .flags = VERB_TAKES_RUNNING,
        .synopsis = "NAME…",
        .help = "Shut machines down cleanly",
        .details = "Each in its init's own way; returns when they are down. With --no-block, and as machinectl-lite, it "
                   "returns as soon as they have been asked.",
        .run = run,
};
