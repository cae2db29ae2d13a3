/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Properties of a unit that runs, changed for as long as a machine is in it. What systemd is told at run time would stay
 * with the unit until the host goes down; so the values that were there before are read first, and given back at the end.
 */

#include <systemd/sd-bus.h>

#include "util/failure.h"
#include "util/unit-property.h"

typedef struct UnitChange UnitChange;

/* Sends a question and an order for each property (those of one name add up, or the last counts, as in a unit file); the
 * answers are taken by unit_change_finish(). */
int unit_change_start(sd_bus *bus, const char *unit, const UnitProperty *const *properties, size_t n, UnitChange **ret,
                      Failure *failure);

/* Waits for them all. Where systemd refused one, *ret_refused is its index, and the failure what it said, bare; else n. The
 * change then has to be undone all the same. */
int unit_change_finish(UnitChange *c, size_t *ret_refused, Failure *failure);

/* Gives the unit its own values back, and removes what systemd has left on disk of ours; on another connection than the
 * one that it was made by, maybe. bus NULL: only the files, as there is nobody to ask. */
int unit_change_undo(UnitChange *c, sd_bus *bus, Failure *failure);

UnitChange *unit_change_free(UnitChange *c);
DEFINE_CLEANUP(UnitChange *, unit_change_free);

/* Is there a change of this unit whose maker has died before he could undo it? Then its files are removed, and systemd
 * reads the unit again; *bus is opened where it is not. */
int unit_change_undo_left(sd_bus **bus, const char *unit, Failure *failure);
