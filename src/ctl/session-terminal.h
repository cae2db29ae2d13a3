/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Sessions on terminals of machines: our standard streams and a pty are one, until either side ends it. */

#include "ctl/verb.h"
#include "payload/console.h"

typedef struct TerminalSession {
        const char *name;
        pid_t pid;              /* of the program that signals are passed on to; 0: they end the session */
        bool command;           /* as by SESSION_FLAG_COMMAND (ctl/session.h) */
        bool left;              /* by the user */
        sd_event *event;
        Console *console;
        int pidfd;              /* of the program, if it is our child; or -EBADF */
        sd_event_source *child_source;
        int status;             /* to exit with */
} TerminalSession;

/* Ends with the program, a child of ours. */
int terminal_session_watch(TerminalSession *s, pid_t pid);

/* Forwards until the session ends; s->event is there. flags: CONSOLE_FLAG_DRAIN or CONSOLE_FLAG_LATE. */
int terminal_session_run(Ctl *c, TerminalSession *s, int pty, unsigned flags);
void terminal_session_done(TerminalSession *s);

/* Forwards a pty that machined opened, until its other side closes it, the machine ends or the user leaves. Returns the exit
 * status, or a negative errno after its message. The same flags. */
int session_forward(Ctl *c, const char *name, int pty, unsigned flags);

/* Are standard input and output both terminals? */
bool session_has_terminal(void);
