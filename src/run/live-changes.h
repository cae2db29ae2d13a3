/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "run/machine.h"

/* At a start: keeps the settings in force, and what tells whether their files were edited since, in the machine's directory.
 * A machine runs without them (no space, no jansson): then a warning says so. */
void live_keep(const Machine *m);

/* At the end of a round, while the machine's directory is there: remembers the settings in force for the next one. */
void live_remember(Machine *m);

/* Before a round: what was changed while the machine ran counts, as it does for a unit, which reads the files anew. */
int live_recall(Machine *m, Failure *failure);

/* --live=pending, --live=apply: prints the changes of a running machine, once its plan is made. */
int machine_live(Machine *m, Failure *failure);
