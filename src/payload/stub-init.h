/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <signal.h>
#include <sys/types.h>

#include "util/failure.h"

/* The signal that asks the stub init (run/stub-init.c) to end its payload and the machine. */
#define STUB_INIT_POWER_OFF (SIGRTMIN + 4)

/* The stub's program, in memory and sealed, so that no file of the host can be reached, let alone written, by way of
 * /proc/1/exe. A descriptor, close-on-exec. */
int stub_init_open(Failure *failure);

/* Becomes the stub, which has no descriptors, for this payload. env: the payload's, of which the container's own variables
 * are kept, since programs look for them in PID 1. Returns only after a failure. */
int stub_init_execute(int fd, pid_t payload, char *const *env, Failure *failure);
