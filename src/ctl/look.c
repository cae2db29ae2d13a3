/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Processes that look into machines (see look.h). Part of boxctl, with its caller's rights. A process that the machine blocks can
 * not even be killed: it is left behind with no descriptor of the caller's, so that nothing waits for it.
 */

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl/look.h"
#include "util/clock.h"
#include "util/fd.h"

/* The exit status is what answer() returned. */
static _Noreturn void answer_and_exit(int (*answer)(const void *question, int fd), const void *question, int keep, int fd)
{
        int r;

        (void) fd_close_all_but(0, (const int[]) { fd, keep }, 2);
        r = answer(question, fd);
        _exit(r < 0 && r > -EHWPOISON ? -r : 0);
}

int look_start(int (*answer)(const void *question, int fd), const void *question, int keep, Look *ret)
{
        int fds[2];
        pid_t pid;

        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        pid = fork();
        if (pid == 0)
                answer_and_exit(answer, question, keep, fds[1]);
        fd_close(fds[1]);
        if (pid < 0) {
                fd_close(fds[0]);
                return -errno;
        }

        *ret = (Look) { .pid = pid, .fd = fds[0] };
        return 0;
}

/* Reads to the end, which comes with the end of the process. */
static int read_answer(int fd, uint64_t deadline_usec, size_t max, char *buf, size_t *ret_size)
{
        size_t size = 0;

        for (;;) {
                uint64_t now = clock_usec(CLOCK_MONOTONIC);
                struct pollfd p = { .fd = fd, .events = POLLIN };
                ssize_t n;
                int r;

                r = RET_ERRNO(poll(&p, 1, now < deadline_usec ? (int) ((deadline_usec - now) / 1000 + 1) : 0));
                if (r == -EINTR)
                        continue;
                if (r <= 0)
                        return r < 0 ? r : -ETIMEDOUT;
                n = read(fd, buf + size, max - size);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0) {
                        *ret_size = size;
                        return 0;
                }
                size += (size_t) n;
                if (size == max)
                        return -EFBIG;
        }
}

int look_finish(Look *l, uint64_t deadline_usec, size_t max, char **ret, size_t *ret_size)
{
        _cleanup_free_ char *buf = malloc(max + 2);
        size_t size = 0;
        int r, status;

        if (!buf)
                return -ENOMEM;
        r = read_answer(l->fd, deadline_usec, max + 1, buf, &size);
        if (r < 0) {
                look_done(l);
                return r;
        }

        /* It has closed the pipe by its end. */
        if (TEMP_FAILURE_RETRY(waitpid(l->pid, &status, 0)) < 0)
                r = -errno;
        else if (!WIFEXITED(status))
                r = -ECHILD;
        else
                r = -WEXITSTATUS(status);
        l->pid = 0;
        look_done(l);
        if (r < 0)
                return r;

        buf[size] = '\0';
        *ret = TAKE_PTR(buf);
        *ret_size = size;
        return 0;
}

void look_done(Look *l)
{
        l->fd = fd_close(l->fd);
        if (l->pid > 0) {
                (void) kill(l->pid, SIGKILL);
                (void) waitpid(l->pid, NULL, WNOHANG);
        }
        l->pid = 0;
}

int look(int (*answer)(const void *question, int fd), const void *question, int keep, size_t max, char **ret, size_t *ret_size)
{
        const uint64_t deadline = clock_usec(CLOCK_MONOTONIC) + LOOK_USEC;
        Look l = LOOK_NULL;
        int r;

        r = look_start(answer, question, keep, &l);
        return r < 0 ? r : look_finish(&l, deadline, max, ret, ret_size);
}
