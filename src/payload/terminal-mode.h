/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A terminal in raw mode for some time. It is set back by terminal_mode_restore(), and if this process dies before, by whatever
 * death, by a child that waits for that. The child has no descriptor but the terminals.
 */

#include <sys/types.h>
#include <termios.h>

#include "util/macro.h"

typedef struct TerminalMode {
        struct {
                int fd;         /* -EBADF: nothing to set back */
                struct termios attributes;
        } saved[2];
        pid_t guard;            /* 0: none */
        const char *farewell;   /* set by the caller: what standard output, a terminal, is told when it is set back */
} TerminalMode;
#define TERMINAL_MODE_NULL { .saved = { { .fd = -EBADF }, { .fd = -EBADF } } }

/* Standard input becomes raw if it is a terminal: keys go to the machine unchanged, ^C too. Standard output, if also used and
 * another terminal, adds no carriage returns. After a failure, too, it must be restored. 0 or negative errno. */
int terminal_mode_set_raw(TerminalMode *m, bool with_output);
void terminal_mode_restore(TerminalMode *m);
