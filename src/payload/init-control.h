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

/* Sends PID 1 a signal that is a request. One that it neither handles nor blocks would be lost, as any is that init lets be
 * at its default: one that has only just started is given up to two seconds to get there. */
int init_control_signal(const Leader *leader, int sig, Failure *failure);

/* Asks the init. 0 when it was asked (not: when it is down). The caller is root on the host. Takes up to two seconds
 * where init has only just started, and up to fifteen for a program run inside. */
int init_control_request(InitFlavour flavour, InitRequest request, const Leader *leader, Failure *failure);

/* "SIGRTMIN+3", "runlevel 0 by /run/initctl", "runit-init 0": for the dry run and status. */
const char *init_control_describe(InitFlavour flavour, InitRequest request);

/* Does this init tell when it is ready (READY=1 to $NOTIFY_SOCKET)? */
bool init_notifies(InitFlavour flavour);

/* Is it asked by a program run inside (which takes the privilege to join the machine), not by a signal or a FIFO? */
bool init_control_enters(InitFlavour flavour, InitRequest request);
