/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Work in other namespaces by a helper process, while our own namespaces, working directory and root stay as they are.
 * The helper shares our memory and our descriptors, as after vfork(2), has a stack of its own with a guard page, and
 * blocks all signals.
 */

#include <sys/types.h>

#include "util/macro.h"

/* Calls work(argument) in a helper that first joins the namespaces of fd, a namespace's descriptor or a pidfd, with
 * flags as in setns(2); we wait meanwhile. With CLONE_NEWPID only the helper's children are in the namespace. fd -EBADF
 * and flags CLONE_NEWNS: in a copy of our mount namespace, without propagation in either direction, which ends with the
 * helper unless work opens /proc/self/ns/mnt. fd -EBADF and flags 0: in our namespaces. Returns the result of work, why
 * it could not be called, or -ECHILD where the helper was killed. */
int namespace_call(int fd, int flags, int (*work)(void *argument), void *argument);

/* Calls work(pid, argument) in this process while helper PID waits in new namespaces (flags as in clone(2)). Returns
 * the result of work, or why there is no helper. */
int namespace_hold(int flags, int (*work)(pid_t pid, void *argument), void *argument);
