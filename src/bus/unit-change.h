/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Properties of a unit that runs, changed for as long as a machine is in it. What systemd is told at run time would stay
 * with the unit until the host goes down; so the values that were there before are read first, and given back at the end.
 */

#include "bus/bus.h"
#include "util/unit-property.h"

typedef struct UnitChange UnitChange;

/* A change of these properties, which have to outlive it. Several of one name add up, or the last counts, as in a unit file. It
 * is noted on disk, for unit_change_undo_left(); nothing is sent. */
int unit_change_new(sd_bus *bus, const char *unit, const UnitProperty *const *properties, size_t n, UnitChange **ret,
                    Failure *failure);

/* Sends a question and an order for each; unit_change_finish() takes the answers. What was sent before a failure has to be
 * undone. */
int unit_change_send(UnitChange *c, const BusWait *wait, Failure *failure);

/* Waits for them all. Where systemd refused one, *ret_refused is the index of the first, and the failure has systemd's text
 * without a prefix. The change has to be undone all the same. */
int unit_change_finish(UnitChange *c, const BusWait *wait, size_t *ret_refused, Failure *failure);

/* Restores the unit's own values, and removes the drop-ins that systemd has written for ours. bus may be a new connection; NULL:
 * only the files. */
int unit_change_undo(UnitChange *c, sd_bus *bus, const BusWait *wait, Failure *failure);

UnitChange *unit_change_free(UnitChange *c);
DEFINE_CLEANUP(UnitChange *, unit_change_free);

/* Removes the drop-ins of a supervisor that died before it could undo its change. 1: there were some, systemd has to reload; 0:
 * there were none. */
int unit_change_undo_left(const char *unit, Failure *failure);
