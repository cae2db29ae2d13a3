/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/verb.h"

/* Shuts machines down cleanly, all at once. Waits for their end, but not with --no-block or as machinectl-lite. if_running: a
 * machine that does not run is no failure. Leaves out those that have a failure, and puts the others' there. A negative errno:
 * none could be tried, after a message. */
int machines_stop(Ctl *c, char *const *names, size_t n, bool if_running, Failure *failures);
