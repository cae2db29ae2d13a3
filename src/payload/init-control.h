/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Asks an init to power off or to reboot: by a signal to PID 1, a request to its control FIFO in the tree, or a program that is
 * run in the machine. Used by the supervisor at SIGTERM and by boxctl.
 */

#include "image/tree-facts.h"
#include "payload/enter.h"
#include "util/failure.h"

typedef enum InitRequest {
        INIT_HALT,              /* for a stop of the unit */
        INIT_POWEROFF,
        INIT_REBOOT,
        _INIT_REQUEST_MAX,
} InitRequest;

/* A new init may not accept requests yet: the number of attempts, and the pause between them. */
enum {
        INIT_CONTROL_TRIES = 40,
        INIT_CONTROL_PAUSE_USEC = 50 * 1000,
};

enum { INIT_CONTROL_PROGRAM = 1 };

/* Sends PID 1 a signal. -EAGAIN: PID 1 neither handles nor blocks it, it would be lost. insist: sends it nevertheless. */
int init_control_signal(const Leader *leader, int sig, bool insist, Failure *failure);

/* Asks the init, without waiting. 0: it was asked; INIT_CONTROL_PROGRAM: the caller must run *ret_program in the machine;
 * -EAGAIN: it does not accept requests yet (never with insist). Needs root on the host. */
int init_control_ask(InitFlavour flavour, InitRequest request, const Leader *leader, bool insist,
                     const char *const **ret_program, Failure *failure);

/* Runs such a program and waits for its end, up to half a minute. */
int init_control_run(const Leader *leader, const char *const *program, Failure *failure);

/* Asks the init and waits until it was asked, not until it is down: two seconds, or as long as a program. */
int init_control_request(InitFlavour flavour, InitRequest request, const Leader *leader, Failure *failure);

/* Does an init that was asked to shut down sleep, with nothing left in the machine that it could wait for? 1: so it is at this
 * moment; 0: not, or an init of this kind may do work itself; negative errno. Reads /proc only. */
int init_control_sleeps_alone(InitFlavour flavour, pid_t leader);

/* "SIGRTMIN+3", "runlevel 0 by /run/initctl", "runit-init 0": for --dry-run and boxctl status. */
const char *init_control_describe(InitFlavour flavour, InitRequest request);

/* Does this init send READY=1 to $NOTIFY_SOCKET? */
bool init_notifies(InitFlavour flavour);

/* Is it asked by a program in the machine, which needs the privilege to join it? */
bool init_control_enters(InitFlavour flavour, InitRequest request);
