/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "bus/bus.h"

/* Runs a program once, after a time: as the transient units NAME.timer and NAME.service, which end with it. argv ends with NULL;
 * its first word is the path. */
int systemd1_start_timer(sd_bus *bus, const char *name, uint64_t usec, const char *const *argv, Failure *failure);
