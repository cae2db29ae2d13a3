/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The channel between supervisor and child, a SOCK_SEQPACKET pair, with all of its messages in order:
 *
 *      supervisor                                      child
 *      ----------                                      -----
 *      clone3(), id maps
 *      SYNC_BEGIN --------------------------------->   network and IPC namespaces
 *      mounts that need none of these
 *                   <-------------------------------   SYNC_BORN
 *      links, registration sent, all mounts            host name, loopback
 *      SYNC_SET_UP (its mount namespace)  --------->   becomes root, enters that namespace, finds the payload
 *                   <-------------------------------   SYNC_PREPARED
 *      registration answered, cgroup settled           tree edited, console
 *      SYNC_FINISH  ------------------------------->   cgroup namespace, late mounts
 *                   <-------------------------------   SYNC_AWAIT_LIMITS, if settings have resource limits
 *      limits set, privileges reduced
 *      SYNC_EXECUTE ------------------------------->   filter, user, capabilities
 *                   <-------------------------------   end of file: execve() has closed the channel
 *
 * At any point the child may send SYNC_WARNING, which the supervisor logs, and continue; or SYNC_FAILED, and wait for the end of
 * the channel. Each has a Failure, which has no text if only execve() failed. At end of file, which means that the supervisor has
 * died, the child exits.
 */

#include "util/failure.h"

typedef enum SyncKind {
        SYNC_BEGIN = 1,
        SYNC_BORN,
        SYNC_SET_UP,
        SYNC_PREPARED,
        SYNC_FINISH,
        SYNC_AWAIT_LIMITS,
        SYNC_EXECUTE,
        SYNC_FAILED,
        SYNC_WARNING,
} SyncKind;

int sync_pair(int ret[static 2]);

int sync_send(int fd, SyncKind kind);
int sync_send_failure(int fd, const Failure *failure);
int sync_send_warning(int fd, const Failure *failure);

/* With a descriptor. */
int sync_send_fd(int fd, SyncKind kind, int passed);

/* Has the peer closed its end? sync_wait_closed() blocks until then. */
bool sync_is_closed(int fd);
void sync_wait_closed(int fd);

/* Receives one message, blocking. 1: it was of `kind`; 0: call again; -EPIPE: end of file; after SYNC_FAILED, the peer's error
 * and failure. ret_fd: NULL, or gets the message's descriptor, -EBADF without one; set with 1 only. */
int sync_take(int fd, SyncKind kind, int *ret_fd, Failure *failure);

/* Blocks until a message of `kind` is received, in the child. 0, or sync_take()'s error. */
int sync_wait(int fd, SyncKind kind, int *ret_fd, Failure *failure);
