/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/macro.h"

/* CPUs by number, in the form of sched_setaffinity(2). The maximum is the kernel's largest NR_CPUS, less one. */
enum { CPU_NUMBER_MAX = 8191 };
typedef struct CpuSet {
        unsigned long bits[(CPU_NUMBER_MAX + 1) / (8 * sizeof(unsigned long))];
} CpuSet;

bool cpu_set_is_empty(const CpuSet *set);
bool cpu_set_has(const CpuSet *set, unsigned cpu);

/* Adds "0-3" or "5". 0; -EINVAL: malformed; -ERANGE: above CPU_NUMBER_MAX; -EILSEQ: backwards. A failure adds nothing. */
int cpu_set_add(CpuSet *set, const char *range);

/* "0-3,5", to be freed; NULL without memory. */
char *cpu_set_to_text(const CpuSet *set);
