/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <signal.h>
#include <sys/types.h>

#include "util/failure.h"

/* The signal that asks the stub init (stub-init/main.c) to end its payload and the machine. */
#define STUB_INIT_POWER_OFF (SIGRTMIN + 3)

/* Opens a sealed copy in memory of a program, given by its absolute path, with this mode: /proc/PID/exe in a machine must not
 * lead to a file of the host, which root in a machine without a user namespace could write to. Returns a descriptor. */
int stub_open(const char *path, mode_t mode, Failure *failure);

/* Executes the stub init, without descriptors, for the process payload. env: of the payload; the variables $container and
 * $container_uuid are kept, as programs read them from PID 1. Returns only after a failure. */
int stub_init_execute(int fd, pid_t payload, char *const *env, Failure *failure);
