/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * boxctl start: StartUnit of box@NAME.service, for all machines at once, and the cause of each failure. Any user that polkit
 * lets manage units.
 */

#include "ctl/units.h"

const Verb verb_start = {
        .name = "start",
        .min = 1,
        .max = VERB_ANY,
        .flags = VERB_AUTHORIZED | VERB_STARTS | VERB_TAKES_IMAGES,
        .synopsis = "NAME…",
        .help = "Start machines, each as its unit box@NAME.service",
        .details = "Waits until they are ready, or with --no-block, until systemd has queued the start. Prints why one could "
                   "not be started.",
        .run = units_start,
};
