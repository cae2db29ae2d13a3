/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Work in a mount namespace other than ours, by a process that is there and back while we wait: our own working directory
 * and root stay what they are. */

#include "util/macro.h"

/* Calls work(argument) in the mount namespace fd, or (-EBADF) in a new one: a copy of ours that shares no mount event with
 * it. It runs in a process that has our memory and our descriptors (vfork(2)'s rules), and whose end alone gives the
 * namespace up: work may open /proc/self/ns/mnt to keep it. Returns what work returned, or why it could not be called. */
int mount_namespace_call(int fd, int (*work)(void *argument), void *argument);
