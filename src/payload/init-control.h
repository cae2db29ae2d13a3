/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * How each init is asked to power off or to reboot, as a table of its own ways: a signal to PID 1, a request written to
 * its control FIFO in the tree, or a program of its own run inside. Used by the supervisor at SIGTERM and by boxctl.
 */

#include "image/tree-facts.h"
#include "payload/enter.h"
#include "util/failure.h"

typedef enum InitRequest {
        INIT_HALT,              /* what the service manager's stop means */
        INIT_POWEROFF,
        INIT_REBOOT,
        _INIT_REQUEST_MAX,
} InitRequest;

/* An init that has only just started may not listen yet: how often it is asked, and how long after the last time. */
enum {
        INIT_CONTROL_TRIES = 40,
        INIT_CONTROL_PAUSE_USEC = 50 * 1000,
};

enum { INIT_CONTROL_PROGRAM = 1 };

/* Sends PID 1 a signal that is a request. -EAGAIN where PID 1 neither handles nor blocks it: it would be lost. insist: sends it
 * all the same. */
int init_control_signal(const Leader *leader, int sig, bool insist, Failure *failure);

/* Asks the init, without waiting. 0: it was asked; INIT_CONTROL_PROGRAM: *ret_program is to be run inside; -EAGAIN: it does not
 * listen yet (never with insist). The caller is root on the host. */
int init_control_ask(InitFlavour flavour, InitRequest request, const Leader *leader, bool insist,
                     const char *const **ret_program, Failure *failure);

/* Runs such a program, and waits for its end: up to fifteen seconds. */
int init_control_run(const Leader *leader, const char *const *program, Failure *failure);

/* Starts a child process that does so. When it has ended, init_control_report() reads from *ret_report how that went. */
int init_control_start(const Leader *leader, const char *const *program, pid_t *ret_pid, int *ret_report, Failure *failure);
int init_control_report(int report_fd, Failure *failure);

/* All of the above in one, blocking, up to seventeen seconds. 0 when the init was asked (not: when it is down). */
int init_control_request(InitFlavour flavour, InitRequest request, const Leader *leader, Failure *failure);

/* "SIGRTMIN+3", "runlevel 0 by /run/initctl", "runit-init 0": for the dry run and status. */
const char *init_control_describe(InitFlavour flavour, InitRequest request);

/* Does this init tell when it is ready (READY=1 to $NOTIFY_SOCKET)? */
bool init_notifies(InitFlavour flavour);

/* Is it asked by a program run inside (which takes the privilege to join the machine), not by a signal or a FIFO? */
bool init_control_enters(InitFlavour flavour, InitRequest request);
