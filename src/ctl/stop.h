/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/verb.h"

/* Shuts machines down cleanly, all at once. Waits for their end, but not with --no-block or as machinectl-lite. if_running: a
 * machine that does not run is no failure. Logs every failure and returns the first one's error. */
int machines_stop(Ctl *c, char *const *names, size_t n, bool if_running);
