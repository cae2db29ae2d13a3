/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Sets the capabilities of a process, with libcap. Runs in the child (last before exec, as root of the machine's user
 * namespace) and in the supervisor (once the machine runs, to keep only what it still needs).
 */

#include <sys/capability.h>
#include <sys/prctl.h>

#include "security/capability.h"

static void cap_state_freep(cap_t *c)
{
        if (*c)
                (void) cap_free(*c);
}

static bool may_set(cap_t now, uint64_t set, cap_value_t cap)
{
        cap_flag_value_t permitted = CAP_CLEAR;

        return set >> cap & 1 && cap_get_flag(now, cap, CAP_PERMITTED, &permitted) >= 0 && permitted == CAP_SET;
}

/* Capabilities that are not permitted now are left out of the sets. */
static int set_process(const CapabilitySets *sets, Failure *failure)
{
        const struct { cap_flag_t flag; uint64_t set; } flags[] = {
                { CAP_PERMITTED, sets->permitted }, { CAP_EFFECTIVE, sets->effective }, { CAP_INHERITABLE, sets->inheritable },
        };
        __attribute__((__cleanup__(cap_state_freep))) cap_t now = cap_get_proc(), next = cap_init();

        if (!now || !next)
                return failure_set(failure, -errno, "Failed to read this process's capabilities: %m");

        for (cap_value_t cap = 0; cap < cap_max_bits(); cap++)
                for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
                        if (may_set(now, flags[i].set, cap) && cap_set_flag(next, flags[i].flag, 1, &cap, CAP_SET) < 0)
                                return failure_set(failure, -errno, "Failed to set capability %d: %m", cap);

        if (cap_set_proc(next) < 0)
                return failure_set(failure, -errno, "Failed to set this process's capabilities: %m");
        return 0;
}

int capability_apply(const CapabilitySets *sets, Failure *failure)
{
        int r;

        /* libcap's cap_reset_ambient() makes a system call for each of them. */
        if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
                return failure_set(failure, -errno, "Failed to clear the ambient capabilities: %m");

        /* First the bounding set: it needs CAP_SETPCAP, which the next step may drop. */
        r = capability_drop_bounding(sets->bounding, failure);
        if (r >= 0)
                r = set_process(sets, failure);
        if (r < 0)
                return r;

        for (cap_value_t cap = 0; cap < cap_max_bits(); cap++)
                if (sets->ambient >> cap & 1 && cap_set_ambient(cap, CAP_SET) < 0)
                        return failure_set(failure, -errno, "Failed to set ambient capability %d: %m", cap);
        return 0;
}

int capability_raise(Failure *failure)
{
        const CapabilitySets all = { 0, UINT64_MAX, UINT64_MAX, 0, 0 };

        return set_process(&all, failure);
}

int capability_reduce_self(uint64_t keep, Failure *failure)
{
        const CapabilitySets sets = { .bounding = keep, .permitted = keep, .effective = keep };

        return capability_apply(&sets, failure);
}
