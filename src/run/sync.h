/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The channel between supervisor and child, a SOCK_SEQPACKET pair, and all that is ever said on it, in this order:
 *
 *      supervisor                                      child
 *      ----------                                      -----
 *      clone3()  ---------------------------------->   waits
 *      id maps, links, registration sent, mounts made
 *      SYNC_SET_UP (all mounts)  ------------------>   becomes root, attaches, leaves the host's tree
 *                   <-------------------------------   SYNC_PREPARED (the mounts that the host is to see)
 *      registration answered, cgroup settled           tree edited, console, host name, loopback
 *      SYNC_EXECUTE ------------------------------->   cgroup namespace, late mounts
 *                   <-------------------------------   SYNC_AWAIT_LIMITS, where settings ask for resource limits
 *      limits set
 *      SYNC_LIMITS_SET ------------------------------->   filter, user, capabilities
 *                   <-------------------------------   end of file: execve() has closed the channel
 *
 * More descriptors than fit in one message come before it, in SYNC_MOUNTS. At any point the child may send SYNC_WARNING with
 * a Failure that it goes on after, which the supervisor logs, or SYNC_FAILED with one that it does not, and waits for its end.
 * End of file to the child means that the supervisor is gone: it exits.
 */

#include "mount/mount-work.h"
#include "util/failure.h"

typedef enum SyncKind {
        SYNC_MOUNTS = 1,
        SYNC_SET_UP,
        SYNC_PREPARED,
        SYNC_EXECUTE,
        SYNC_FAILED,
        SYNC_WARNING,
        SYNC_AWAIT_LIMITS,
        SYNC_LIMITS_SET,
} SyncKind;

int sync_pair(int ret[static 2]);

int sync_send(int fd, SyncKind kind);
int sync_send_failure(int fd, const Failure *failure);
int sync_send_warning(int fd, const Failure *failure);

/* A message with the mounts of n steps, each with its index; where they are many, the first ones in SYNC_MOUNTS before it. */
int sync_send_mounts(int fd, SyncKind kind, const MountWork *work, size_t n);

/* Has the other side closed its end? And: returns when it has, or when that can't be told. */
bool sync_is_closed(int fd);
void sync_wait_closed(int fd);

/* Takes one message, blocking, and puts mounts into work (n steps; NULL: closes them). 1: it was of `kind`; 0: another is to
 * be waited for; -EPIPE at end of file; the peer's error, with its failure, where it sent one. */
int sync_take(int fd, SyncKind kind, MountWork *work, size_t n, Failure *failure);

/* Blocks until a message of `kind` came: the child's way to wait. 0, or sync_take()'s error. */
int sync_wait(int fd, SyncKind kind, MountWork *work, size_t n, Failure *failure);
