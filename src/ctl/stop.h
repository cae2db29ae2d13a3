/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/verb.h"

/* Clean shutdown of machines, all at once, waiting for the end unless --no-block (and never under machinectl-lite).
 * if_running: that one does not run is no failure. One message a failure. */
int machines_stop(Ctl *c, char *const *names, size_t n, bool if_running);
