/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Changes properties of a running unit for the life of a machine in it. systemd keeps such changes until the host reboots, so
 * the previous values are read first, and restored at the end.
 */

#include "bus/bus.h"
#include "util/unit-property.h"

typedef struct UnitChange UnitChange;

/* A change of these properties, which must outlive it (several of one name: in order, as in a unit file). Its drop-ins are listed
 * on disk, for unit_change_undo_left(); nothing is sent. */
int unit_change_new(sd_bus *bus, const char *unit, const UnitProperty *const *properties, size_t n, UnitChange **ret,
                    Failure *failure);

/* Sends calls that read and set each property. Also after a failure, the change must be undone. */
int unit_change_send(UnitChange *c, const BusWait *wait, Failure *failure);

/* Waits for the replies. Also after a failure, or if systemd refused a property, the change must be undone. */
int unit_change_finish(UnitChange *c, const BusWait *wait, Failure *failure);

/* Once that has succeeded: why systemd refused the property of this index, or NULL. */
const char *unit_change_refusal(const UnitChange *c, size_t i);

/* Restores the previous values, and removes the drop-ins that systemd has written for the change. bus may be a new connection;
 * NULL: only removes the files. */
int unit_change_undo(UnitChange *c, sd_bus *bus, const BusWait *wait, Failure *failure);

UnitChange *unit_change_free(UnitChange *c);
DEFINE_CLEANUP(UnitChange *, unit_change_free);

/* Removes the drop-ins of a supervisor that died before it undid its change. 1: there were some, systemd must reload; 0: none. */
int unit_change_undo_left(const char *unit, Failure *failure);
