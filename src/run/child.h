/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "container/plan.h"
#include "container/seccomp.h"

/* What becomes the payload's PID 1: from its first instruction after clone3() to execve(). Never returns. */
_Noreturn void child_run(const Plan *plan, const SeccompProgram *seccomp, int sync_fd);
