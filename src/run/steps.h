/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The times of a start, for `boxctl blame`: the file "steps" in /run/box/NAME, which any user reads. A line for each stage (and
 * "ready"): NAME BEGIN END, in microseconds of CLOCK_MONOTONIC. Of a start that failed /run/box/.failed/NAME, until the next:
 * the same lines, and "! MESSAGE".
 */

#include "util/failure.h"

typedef struct MachineSteps {
        char text[2048];
        size_t size, written;
} MachineSteps;

/* A start begins: what is known of an earlier one that failed is forgotten. */
void steps_begin(MachineSteps *s, const char *machine);

/* A line that does not fit is left out. */
void steps_add(MachineSteps *s, const char *step, uint64_t begin_usec, uint64_t end_usec);

/* Both write files. A failure of them is no reason to end a machine: it is logged, for debugging. */
void steps_write(MachineSteps *s, const char *machine);         /* the new lines */
void steps_write_failed(const MachineSteps *s, const char *machine, const Failure *why);
