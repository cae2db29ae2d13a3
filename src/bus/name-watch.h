/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Waiting until a name is free again, by the signals of machined and systemd. The names of a machine that has just ended, and of
 * its scope, are free once both have noticed.
 */

#include "bus/bus.h"

typedef struct NameWatch NameWatch;

/* From here on, no release is missed. */
int name_watch_new(sd_bus *bus, const char *machine, NameWatch **ret);
NameWatch *name_watch_free(NameWatch *w);
DEFINE_CLEANUP(NameWatch *, name_watch_free);

/* Waits until the machine, or any unit, has been removed since the last wait. 0, -ETIMEDOUT, or an error of waiting. */
int name_watch_wait(NameWatch *w, const BusWait *wait, uint64_t usec);
