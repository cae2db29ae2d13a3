/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A program in a session of a machine whose init is systemd: a transient service with PAM, as systemd-machined's shells, but on
 * descriptors of ours, and with its exit status.
 */

#include <sys/types.h>

#include "util/failure.h"

typedef struct PayloadSession PayloadSession;

typedef struct PayloadSessionOptions {
        const char *user;
        const char *path;
        char *const *argv;
        char *const *env;               /* besides what systemd and PAM set */
        const int *stdio;               /* three descriptors; -EBADF: /dev/null */
        const char *terminal;           /* its path in the machine, if stdio is one; else NULL */
} PayloadSessionOptions;

/* Asks the service manager of the machine with this PID 1, as the machine's root, and waits until it has started a process
 * for the program. *ret_pid: its PID in the machine; 0: it has ended. An error is that of the machine's bus, or of its
 * systemd: then *ret_asked says whether the session was asked for, and so may have begun. */
int payload_session_start(pid_t leader, const PayloadSessionOptions *o, PayloadSession **ret, pid_t *ret_pid, bool *ret_asked,
                          Failure *failure);

/* Once the program has ended: its exit status, 128 and the number of the signal that ended it. */
int payload_session_status(PayloadSession *s, int *ret, Failure *failure);

PayloadSession *payload_session_free(PayloadSession *s);
DEFINE_CLEANUP(PayloadSession *, payload_session_free);
