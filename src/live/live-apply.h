/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "live/live-machine.h"

/* Exchanges the settings that can be changed while a machine runs, with their places. */
void live_exchange(Settings *a, Settings *b);

/* Why a change needs a restart; NULL: it can be made now. */
const char *live_why_not(LiveMachine *m, const LiveChange *c);

/* Makes all changes with done[i], in their order. After a failure those that were made are undone, and no done[i] is true; the
 * failure says so. */
int live_apply(LiveMachine *m, const LiveChange *changes, bool *done, size_t n, Failure *failure);

/* Undoes those changes with done[i] that are before n, the last first. Logs failures, and returns one of them. */
int live_undo(LiveMachine *m, const LiveChange *changes, const bool *done, size_t n);
