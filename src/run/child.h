/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "mount/mount-work.h"
#include "payload/time-namespace.h"
#include "plan/plan.h"
#include "security/seccomp.h"

typedef struct ChildInput {
        const Plan *plan;
        MountWork *work;        /* for the plan's mounts; without any yet */
        const SeccompProgram *seccomp;
        const TimeOrigin *born; /* the time before clone3(), where the machine's clocks begin if they are its own */
        int sync_fd;            /* its end of the channel (run/sync.h) */
        int stub_fd;            /* for ProcessTwo=: the program of PID 1 */
} ChildInput;

/* The child's whole life, from clone3() to execve(). */
_Noreturn void child_run(const ChildInput *in);

/* child-execute.c: what is left when the machine is complete. Returns after a failure only: in PID 1 or, for ProcessTwo=,
 * in either of two processes. */
int child_execute(const ChildInput *in, Failure *failure);

/* Is there something to execute? Asked in the machine's root before the tree is written to, so that a mistyped command
 * changes nothing. Says yes where it takes more to know: of a relative path, of an interpreter. */
int child_find_payload(const Plan *plan, Failure *failure);
