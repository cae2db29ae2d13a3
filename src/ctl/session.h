/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Programs in machines, for exec, login and shell: by entering the machine (session.c), or by its systemd (session-systemd.c).
 * Functions that run one return the exit status, or a negative errno after its message. */

#include "ctl/running-machine.h"
#include "image/passwd.h"
#include "payload/enter.h"

/* Opens the machine's PID 1 for entering, with the system call filter that it runs under. */
int session_open(const RunningMachine *m, Leader *ret, Failure *failure);

/* A user of the machine by "USER", "UID", "UID:GID" or "USER:GROUP" (see image/passwd.h). With a group, it is in no other one. */
int session_user(const Leader *leader, const char *name, MachineUser *ret, Failure *failure);

typedef enum SessionFlags {
        SESSION_FLAG_PTY = 1 << 0,      /* on a pty, even if we have no terminal */
        SESSION_FLAG_COMMAND = 1 << 1,  /* it stands for us: each signal that we get is passed on, nothing is said of the
                                         * session, and a program that cannot be executed is 126, one that is not there
                                         * 127, as of a shell */
} SessionFlags;

/* Runs a program in the machine, as our child: on a pty of the machine if we have a terminal, else on pipes that pass on our
 * standard input, output and error. Sets stdio and new_pty of options. */
int session_run(Ctl *c, const RunningMachine *m, const Leader *leader, EnterOptions *options, unsigned flags);

typedef struct SessionProgram {
        const MachineUser *user;
        const char *path;
        char *const *argv;
} SessionProgram;

/* Runs a program in a session of the machine's systemd, with PAM: on a terminal of the machine, by machined, if we have one, else
 * on pipes. Sets the variables that --setenv= names, besides those of PAM and of the machine's systemd. -EAGAIN, without a
 * message: its systemd cannot be asked. */
int session_run_by_systemd(Ctl *c, const RunningMachine *m, const Leader *leader, const SessionProgram *p);

/* After machined failed: may boxctl enter the machine itself? Not if machined refused access. */
bool session_may_enter(const RunningMachine *m, const Failure *f);

/* Sets PATH and TERM. */
int session_environment(char ***env);

/* The same, and HOME, SHELL, USER and LOGNAME, then what --setenv= names. */
int session_user_environment(const Ctl *c, const MachineUser *u, char ***env);
