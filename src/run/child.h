/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "container/plan.h"
#include "container/seccomp.h"
#include "container/time-namespace.h"

/* What becomes the payload's PID 1: from its first instruction after clone3() to execve(). born: the time before that call,
 * where the machine's clocks begin if they are its own. Never returns. */
_Noreturn void child_run(const Plan *plan, const SeccompProgram *seccomp, const TimeOrigin *born, int sync_fd);
