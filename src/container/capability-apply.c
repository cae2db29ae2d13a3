/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Capability sets put in force with libcap. Runs in the child (last before exec, as root of the machine's user
 * namespace) and in the supervisor (once the machine runs, to keep only what it still needs).
 */

#include <sys/capability.h>

#include "container/capability.h"

static void cap_state_freep(cap_t *c)
{
        if (*c)
                (void) cap_free(*c);
}

/* Permitted and effective become keep, inheritable keep or nothing. Never more than is permitted now: a set that asks
 * for what the caller does not have is cut to what it has. */
static int set_process(uint64_t keep, bool inheritable, Failure *failure)
{
        __attribute__((__cleanup__(cap_state_freep))) cap_t now = cap_get_proc(), next = cap_init();

        if (!now || !next)
                return failure_set(failure, -errno, "Failed to read this process's capabilities: %m");

        for (cap_value_t cap = 0; cap < cap_max_bits(); cap++) {
                cap_flag_value_t permitted = CAP_CLEAR;

                if (!(keep >> cap & 1) || cap_get_flag(now, cap, CAP_PERMITTED, &permitted) < 0 ||
                    permitted != CAP_SET)
                        continue;
                if (cap_set_flag(next, CAP_PERMITTED, 1, &cap, CAP_SET) < 0 ||
                    cap_set_flag(next, CAP_EFFECTIVE, 1, &cap, CAP_SET) < 0 ||
                    (inheritable && cap_set_flag(next, CAP_INHERITABLE, 1, &cap, CAP_SET) < 0))
                        return failure_set(failure, -errno, "Failed to set capability %d: %m", cap);
        }

        if (cap_set_proc(next) < 0)
                return failure_set(failure, -errno, "Failed to set this process's capabilities: %m");
        return 0;
}

static int apply(uint64_t keep, bool inheritable, Failure *failure)
{
        int r;

        if (cap_reset_ambient() < 0)
                return failure_set(failure, -errno, "Failed to empty the ambient capabilities: %m");

        /* First the bounding set: it takes CAP_SETPCAP, which keep may lack. */
        r = capability_drop_bounding(keep, failure);
        if (r < 0)
                return r;

        return set_process(keep, inheritable, failure);
}

int capability_apply(uint64_t keep, Failure *failure)
{
        return apply(keep, /* inheritable= */ true, failure);
}

int capability_reduce_self(uint64_t keep, Failure *failure)
{
        return apply(keep, /* inheritable= */ false, failure);
}
