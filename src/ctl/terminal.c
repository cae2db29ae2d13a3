/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The terminal and the pager (see terminal.h). Part of boxctl, which has its caller's rights, and so has the pager. Under sudo
 * only less is used, with LESSSECURE: no other pager can be kept from running commands as root.
 */

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl/terminal.h"
#include "util/fd.h"
#include "util/parse.h"

/* One standard output, one pager. */
static struct {
        pid_t pid;
        bool was_terminal;
} pager;

static bool stdout_is_terminal(void)
{
        return pager.was_terminal || isatty(STDOUT_FILENO);
}

bool terminal_has_colour(void)
{
        const char *term = getenv("TERM"), *no = getenv("NO_COLOR"), *systemd = getenv("SYSTEMD_COLORS");
        bool wanted;

        /* As in systemd: a boolean, or the number of colours that there are; over what else there is. */
        if (systemd && parse_bool(systemd, &wanted) >= 0)
                return wanted;
        if (systemd && (strcmp(systemd, "16") == 0 || strcmp(systemd, "256") == 0 || strcmp(systemd, "24bit") == 0))
                return true;
        return stdout_is_terminal() && !(no && *no) && term && strcmp(term, "dumb") != 0;
}

size_t terminal_width(const Ctl *c)
{
        struct winsize size;

        if (c->options.full || !stdout_is_terminal())
                return 0;
        /* With a pager, standard output is a pipe, but standard error still the terminal. */
        if ((ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 && ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0) ||
            size.ws_col < 20)
                return 80;
        return size.ws_col;
}

/* In the child. Without a pager, cat copies the output. */
static void run_pager(void)
{
        const char *program = getenv("SYSTEMD_PAGER") ?: getenv("PAGER");

        (void) setenv("LESS", "FRSXMK", /* overwrite= */ 1);
        (void) setenv("LESSSECURE", "1", /* overwrite= */ 1);
        if (program && *program)
                (void) execlp("sh", "sh", "-c", program, NULL);
        (void) execlp("less", "less", NULL);
        (void) execlp("more", "more", NULL);
        (void) execlp("cat", "cat", NULL);
        _exit(EXIT_FAILURE);
}

void pager_open(const Ctl *c)
{
        const char *p = getenv("SYSTEMD_PAGER") ?: getenv("PAGER");
        const char *term = getenv("TERM");
        int fds[2];
        pid_t pid;

        if (pager.pid > 0 || c->options.no_pager || !isatty(STDOUT_FILENO) || !term || strcmp(term, "dumb") == 0 ||
            (p && (!*p || strcmp(p, "cat") == 0)))
                return;
        /* $PAGER is the user's, and would run as root. */
        if (getenv("SUDO_UID") && p && strcmp(p, "less") != 0)
                return;
        if (pipe2(fds, O_CLOEXEC) < 0)
                return;

        (void) fflush(stdout);
        pid = fork();
        if (pid == 0) {
                (void) dup2(fds[0], STDIN_FILENO);
                run_pager();
        }
        if (pid > 0 && dup2(fds[1], STDOUT_FILENO) >= 0) {
                pager.pid = pid;
                pager.was_terminal = true;
                /* If the user quits the pager, boxctl ends without a message. */
                (void) signal(SIGPIPE, SIG_DFL);
        }
        fd_close(fds[0]);
        fd_close(fds[1]);
}

void pager_close(void)
{
        if (pager.pid <= 0)
                return;

        (void) fflush(stdout);
        (void) signal(SIGINT, SIG_IGN);         /* ^C is for the pager */
        (void) close(STDOUT_FILENO);
        (void) waitpid(pager.pid, NULL, 0);
        pager.pid = 0;
}
