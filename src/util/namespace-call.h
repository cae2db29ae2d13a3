/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Work in namespaces other than ours, by a process that is there and back while we wait: our own namespaces, working
 * directory and root stay what they are. */

#include "util/macro.h"

/* Calls work(argument) in the namespaces that fd names: a namespace's own descriptor or a pidfd, with flags as setns(2) has
 * them. fd -EBADF, flags CLONE_NEWNS: in a new mount namespace, a copy of ours that shares no mount event with it. It runs
 * in a process that has our memory and our descriptors (vfork(2)'s rules), and whose end alone gives a new namespace up: work
 * may open /proc/self/ns/mnt to keep it. Returns what work returned, or why it could not be called. */
int namespace_call(int fd, int flags, int (*work)(void *argument), void *argument);
