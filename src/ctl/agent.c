/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Password agents (see agent.h), as systemctl and machinectl start them. Part of boxctl, which has its caller's rights, and so
 * have the agents: polkit and systemd check what they are told.
 */

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl/agent.h"
#include "util/fd.h"

enum { REGISTER_MSEC = 5000 };

static pid_t agents[2];         /* 0: not started */

static _Noreturn void execute(const char *const *argv)
{
        (void) prctl(PR_SET_PDEATHSIG, SIGTERM);
        (void) signal(SIGPIPE, SIG_DFL);
        (void) execvp(argv[0], (char **) argv);
        _exit(EXIT_FAILURE);
}

static pid_t start(const char *const *argv)
{
        pid_t pid;

        (void) fflush(stdout);
        pid = fork();
        if (pid == 0)
                execute(argv);
        return pid > 0 ? pid : 0;
}

/* Waits until it is registered, which it tells by closing the pipe: before, polkit would refuse what needs a password. */
static pid_t start_polkit_agent(void)
{
        char number[16];
        const char *const argv[] = { "pkttyagent", "--notify-fd", number, "--fallback", NULL };
        struct pollfd p;
        int fds[2];
        pid_t pid;

        if (pipe2(fds, O_CLOEXEC) < 0)
                return 0;
        (void) snprintf(number, sizeof(number), "%d", fds[1]);
        (void) fcntl(fds[1], F_SETFD, 0);
        pid = start(argv);
        fd_close(fds[1]);
        p = (struct pollfd) { .fd = fds[0], .events = POLLIN };
        if (pid > 0)
                (void) TEMP_FAILURE_RETRY(poll(&p, 1, REGISTER_MSEC));
        fd_close(fds[0]);
        return pid;
}

void agents_open(const Ctl *c, unsigned flags)
{
        static const char *const passwords[] = { "systemd-tty-ask-password-agent", "--watch", NULL };

        if (c->options.no_ask_password || !isatty(STDIN_FILENO))
                return;
        /* polkit allows root everything. */
        if (flags & AGENT_POLKIT && geteuid() != 0)
                agents[0] = start_polkit_agent();
        if (flags & AGENT_PASSWORDS)
                agents[1] = start(passwords);
}

bool agents_may_ask(void)
{
        return agents[0] > 0;
}

void agents_close(void)
{
        for (size_t i = 0; i < ARRAY_SIZE(agents); i++) {
                if (agents[i] <= 0)
                        continue;
                (void) kill(agents[i], SIGTERM);
                (void) kill(agents[i], SIGCONT);
                (void) TEMP_FAILURE_RETRY(waitpid(agents[i], NULL, 0));
                agents[i] = 0;
        }
}
