/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The times of a start, for `boxctl blame`: the file "steps" in /run/box/NAME, which any user reads. A line for each stage (and
 * "ready"): NAME BEGIN END, in microseconds of CLOCK_MONOTONIC.
 */

#include "util/macro.h"

typedef struct MachineSteps {
        char text[2048];        /* lines that are not written yet */
        size_t size;
} MachineSteps;

/* A line that does not fit is left out. */
void steps_add(MachineSteps *s, const char *step, uint64_t begin_usec, uint64_t end_usec);

/* Appends the lines to the file. A failure is no reason to end a machine: it is logged, for debugging. */
void steps_write(MachineSteps *s, const char *machine);
