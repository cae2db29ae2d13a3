/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A terminal session in a machine: the two ways in that login and shell share. Each returns the verb's result: the exit
 * status, or a negative errno after its message. */

#include "ctl/running-machine.h"
#include "payload/enter.h"

/* Forwards a pty that machined opened, until its other side closes it, the machine goes away or the user leaves.
 * flags: CONSOLE_FLAG_DRAIN or CONSOLE_FLAG_LATE. */
int session_forward(Ctl *c, const char *name, int pty, unsigned flags);

/* Opens the machine's PID 1 for entering, with the system call filter that it runs under. */
int session_open(const RunningMachine *m, Leader *ret, Failure *failure);

/* Runs a program inside, as our child: on a pty of the machine's where our standard input or output is a terminal (or
 * force_pty), else on our own standard input, output and error. options' stdio and new_pty are filled in. */
int session_run(Ctl *c, const RunningMachine *m, const Leader *leader, EnterOptions *options, bool force_pty);

/* Should a failure of machined's way be followed by ours? Not when it was refused on purpose. */
bool session_may_enter(const RunningMachine *m, const Failure *f);

/* PATH and TERM, as every session gets them. */
int session_environment(char ***env);
