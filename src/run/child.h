/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sched.h>

#include "payload/time-namespace.h"
#include "plan/plan.h"
#include "security/seccomp.h"

/* The namespaces that the child creates itself, while the supervisor mounts: a network namespace takes the kernel longest. */
#define CHILD_NAMESPACES ((uint64_t) (CLONE_NEWNET | CLONE_NEWIPC))

typedef struct ChildInput {
        const Plan *plan;
        const SeccompProgram *seccomp;
        const TimeOrigin *born; /* the time before clone3(): zero of the clocks of a new time namespace */
        int sync_fd;            /* the child's end of the channel (run/sync.h) */
        int stub_fd;            /* for ProcessTwo=: the stub init's program */
        int execute_fd;         /* a copy of the enter stub that executes the payload; -EBADF: box-run itself does */
        int journal_fd;         /* in pipe mode, in place of standard streams that lead to the journal; -EBADF: none do */
} ChildInput;

/* The child's code from clone3() to execve(). */
_Noreturn void child_run(const ChildInput *in);

/* child-execute.c: the last steps, up to execve(). Returns only on failure: in PID 1 or, for ProcessTwo=, in either process. */
int child_execute(const ChildInput *in, Failure *failure);

/* Checks that the payload's program exists, in the machine's root, before the tree is written to. Does not check relative paths
 * and interpreters. */
int child_find_payload(const Plan *plan, Failure *failure);
