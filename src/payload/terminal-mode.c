/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Raw mode (see terminal-mode.h). In the supervisor and in boxctl; no privilege. */

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "payload/terminal-mode.h"
#include "util/fd.h"

static bool same_device(int a, int b)
{
        struct stat x, y;

        return fstat(a, &x) >= 0 && fstat(b, &y) >= 0 && x.st_rdev == y.st_rdev;
}

static int save(TerminalMode *m, size_t i, int fd)
{
        if (tcgetattr(fd, &m->saved[i].attributes) < 0)
                return -errno;
        m->saved[i].fd = fd;
        return 0;
}

static int change(const TerminalMode *m)
{
        for (size_t i = 0; i < ARRAY_SIZE(m->saved); i++) {
                struct termios changed = m->saved[i].attributes;

                if (i == 0)
                        cfmakeraw(&changed);
                else
                        changed.c_oflag &= ~(tcflag_t) OPOST;   /* the pty has added its carriage returns already */
                if (m->saved[i].fd >= 0 && tcsetattr(m->saved[i].fd, TCSANOW, &changed) < 0)
                        return -errno;
        }
        return 0;
}

static void set_back(const TerminalMode *m)
{
        if (m->saved[0].fd >= 0 && m->farewell)
                (void) !write(STDOUT_FILENO, m->farewell, strlen(m->farewell));
        for (size_t i = 0; i < ARRAY_SIZE(m->saved); i++)
                if (m->saved[i].fd >= 0)
                        (void) tcsetattr(m->saved[i].fd, TCSANOW, &m->saved[i].attributes);
}

/* Signals of the terminal must not end it before its parent, nor may it stop as a process of the background. */
_Noreturn static void guard(const TerminalMode *m, int parent, int ready)
{
        struct pollfd p = { .fd = parent, .events = POLLIN };
        const int keep[] = { parent, ready };
        sigset_t set;

        sigfillset(&set);
        (void) sigprocmask(SIG_BLOCK, &set, NULL);
        /* Not ended by what ends the parent's process group, or all processes of its name. */
        (void) setsid();
        (void) prctl(PR_SET_NAME, "terminal-guard");
        (void) fd_close_all_but(m->saved[1].fd < 0 && !m->farewell ? STDOUT_FILENO : STDERR_FILENO, keep, ARRAY_SIZE(keep));
        fd_close(ready);
        while (poll(&p, 1, -1) < 0 && errno == EINTR)
                ;
        set_back(m);
        _exit(EXIT_SUCCESS);
}

/* Returns when nothing that ends us ends it, too. */
static int start_guard(TerminalMode *m)
{
        _cleanup_close_ int self = RET_ERRNO(pidfd_open(getpid(), 0));
        int ready[2];
        pid_t pid;
        char byte;

        if (self < 0)
                return self;
        if (pipe2(ready, O_CLOEXEC) < 0)
                return -errno;
        pid = RET_ERRNO(fork());
        if (pid == 0)
                guard(m, self, ready[1]);
        fd_close(ready[1]);
        if (pid > 0) {
                m->guard = pid;
                (void) TEMP_FAILURE_RETRY(read(ready[0], &byte, 1));
        }
        fd_close(ready[0]);
        return pid < 0 ? pid : 0;
}

int terminal_mode_set_raw(TerminalMode *m, bool with_output)
{
        int r;

        if (!isatty(STDIN_FILENO))
                return 0;
        r = save(m, 0, STDIN_FILENO);
        if (r >= 0 && with_output && isatty(STDOUT_FILENO) && !same_device(STDIN_FILENO, STDOUT_FILENO))
                r = save(m, 1, STDOUT_FILENO);
        if (r >= 0)
                r = start_guard(m);
        return r < 0 ? r : change(m);
}

void terminal_mode_restore(TerminalMode *m)
{
        set_back(m);
        if (m->guard > 0 && kill(m->guard, SIGKILL) >= 0)
                (void) TEMP_FAILURE_RETRY(waitpid(m->guard, NULL, 0));
        *m = (TerminalMode) TERMINAL_MODE_NULL;
}
