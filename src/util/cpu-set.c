/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Sets of CPUs (see cpu-set.h). Any process, no privilege; the input may be anything at all. */

#include <string.h>

#include "util/cpu-set.h"
#include "util/parse.h"
#include "util/print.h"

enum { BITS = 8 * sizeof(unsigned long) };

bool cpu_set_is_empty(const CpuSet *set)
{
        for (size_t i = 0; i < ARRAY_SIZE(set->bits); i++)
                if (set->bits[i])
                        return false;
        return true;
}

bool cpu_set_has(const CpuSet *set, unsigned cpu)
{
        return cpu <= CPU_NUMBER_MAX && set->bits[cpu / BITS] >> cpu % BITS & 1;
}

int cpu_set_add(CpuSet *set, const char *range)
{
        uint32_t first, last;
        int r;

        r = parse_range(range, &first, &last);
        if (r < 0)
                return r;
        if (last > CPU_NUMBER_MAX)
                return -ERANGE;

        for (uint32_t cpu = first; cpu <= last; cpu++)
                set->bits[cpu / BITS] |= 1UL << cpu % BITS;
        return 0;
}

char *cpu_set_to_text(const CpuSet *set)
{
        _cleanup_memory_stream_ MemoryStream m = { 0 };
        FILE *f = memory_stream_open(&m);

        if (!f)
                return NULL;
        for (unsigned cpu = 0, last; cpu <= CPU_NUMBER_MAX; cpu = last + 1) {
                last = cpu;
                if (!cpu_set_has(set, cpu))
                        continue;
                while (cpu_set_has(set, last + 1))
                        last++;
                fprintf(f, last > cpu ? "%s%u-%u" : "%s%u", ftell(f) > 0 ? "," : "", cpu, last);
        }
        return memory_stream_take(&m);
}
