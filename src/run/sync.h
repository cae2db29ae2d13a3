/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The channel between supervisor and child, a SOCK_SEQPACKET pair, with all of its messages in order:
 *
 *      supervisor                                      child
 *      ----------                                      -----
 *      clone3()  ---------------------------------->   waits
 *      id maps, links, registration sent, mounts created
 *      SYNC_SET_UP (all mounts)  ------------------>   becomes root, attaches the mounts, detaches the host's tree
 *                   <-------------------------------   SYNC_PREPARED (the mount to export to the host)
 *      registration answered, cgroup settled           tree edited, console, host name, loopback
 *      SYNC_EXECUTE ------------------------------->   cgroup namespace, late mounts
 *                   <-------------------------------   SYNC_AWAIT_LIMITS, if settings have resource limits
 *      limits set
 *      SYNC_LIMITS_SET ---------------------------->   filter, user, capabilities
 *                   <-------------------------------   end of file: execve() has closed the channel
 *
 * Descriptors that do not fit in a message are sent before it, in SYNC_MOUNTS. At any point the child may send SYNC_WARNING,
 * which the supervisor logs, and continue; or SYNC_FAILED, and wait for the end of the channel. Each has a Failure. At end of
 * file, which means that the supervisor has died, the child exits.
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

/* Sends the descriptors in work (n mounts, -EBADF skipped), each with its index. */
int sync_send_mounts(int fd, SyncKind kind, const MountWork *work, size_t n);

/* Has the peer closed its end? sync_wait_closed() blocks until then. */
bool sync_is_closed(int fd);
void sync_wait_closed(int fd);

/* Receives one message, blocking, and stores mounts in work (n mounts; NULL: closes them). 1: it was of `kind`; 0: call again;
 * -EPIPE: end of file; after SYNC_FAILED, the peer's error and failure. */
int sync_take(int fd, SyncKind kind, MountWork *work, size_t n, Failure *failure);

/* Blocks until a message of `kind` is received, in the child. 0, or sync_take()'s error. */
int sync_wait(int fd, SyncKind kind, MountWork *work, size_t n, Failure *failure);
