/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Waits until machined's name of a machine that has just ended, and systemd's name of its scope, are free, by the signals
 * MachineRemoved and UnitRemoved.
 */

#include "bus/bus.h"

typedef struct NameWatch NameWatch;

/* Subscribes: no release after this call is missed. usec: for all waits together. */
int name_watch_new(sd_bus *bus, const char *machine, uint64_t usec, NameWatch **ret);
NameWatch *name_watch_free(NameWatch *w);
DEFINE_CLEANUP(NameWatch *, name_watch_free);

/* Waits until the machine, or any unit, has been removed since the last call. 0, -ETIMEDOUT, or bus_wait()'s error. */
int name_watch_wait(NameWatch *w, const BusWait *wait);
