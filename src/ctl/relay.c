/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Passes bytes between standard streams and pipes (see relay.h). Part of boxctl, with its caller's rights. What comes from
 * a machine is not interpreted.
 */

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl/relay.h"
#include "util/fd.h"

enum { BUFFER_SIZE = 64 * 1024 };

const int relay_signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, 0 };

/* ---- pipes ------------------------------------------------------------------------------------------------------ */

static bool is_null_device(const struct stat *st)
{
        return S_ISCHR(st->st_mode) && st->st_rdev == makedev(1, 3);
}

static bool same_place(const struct stat *a, const struct stat *b)
{
        return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_rdev == b->st_rdev;
}

static int open_pipe(Relay *r, int stream, Failure *failure)
{
        int fds[2];

        if (pipe2(fds, O_CLOEXEC) < 0)
                return failure_set(failure, -errno, "Failed to create a pipe: %m");
        r->ours[stream] = fds[stream == STDIN_FILENO ? 1 : 0];
        r->theirs[stream] = fds[stream == STDIN_FILENO ? 0 : 1];
        return 0;
}

int relay_open(Relay *ret, Failure *failure)
{
        Relay r = RELAY_NULL;
        struct stat st[3];
        int error = 0;

        for (int i = 0; error >= 0 && i < 3; i++) {
                if (fstat(i, &st[i]) < 0 || is_null_device(&st[i]))
                        continue;
                /* The order of output and errors is kept. */
                if (i == STDERR_FILENO && r.ours[STDOUT_FILENO] >= 0 && same_place(&st[i], &st[STDOUT_FILENO])) {
                        r.theirs[i] = fcntl(r.theirs[STDOUT_FILENO], F_DUPFD_CLOEXEC, 3);
                        if (r.theirs[i] < 0)
                                error = failure_set(failure, -errno, "Failed to duplicate a pipe: %m");
                } else
                        error = open_pipe(&r, i, failure);
        }
        if (error >= 0 && r.ours[STDIN_FILENO] >= 0 && fd_nonblock(r.ours[STDIN_FILENO], true) < 0)
                error = failure_set(failure, -errno, "Failed to set up a pipe: %m");
        if (error < 0) {
                relay_done(&r);
                return error;
        }

        *ret = r;
        return 0;
}

void relay_done(Relay *r)
{
        for (int i = 0; i < 3; i++) {
                r->ours[i] = fd_close(r->ours[i]);
                r->theirs[i] = fd_close(r->theirs[i]);
        }
}

/* ---- streams ---------------------------------------------------------------------------------------------------- */

typedef struct Stream {
        int from, to;           /* -EBADF: at its end */
        size_t begin, end;      /* bytes in the buffer */
        bool failed;
        char buffer[BUFFER_SIZE];
} Stream;

static void stream_end(Stream *s)
{
        s->from = s->to = -EBADF;
        s->begin = s->end = 0;
}

static bool stream_is_empty(const Stream *s)
{
        return s->begin == s->end;
}

static void stream_read(Stream *s)
{
        ssize_t n = read(s->from, s->buffer, sizeof(s->buffer));

        if (n < 0 && (errno == EINTR || errno == EAGAIN))
                return;
        if (n <= 0)
                s->from = -EBADF;
        else {
                s->begin = 0;
                s->end = (size_t) n;
        }
}

/* A descriptor that is shared with other programs stays blocking: a write of up to PIPE_BUF bytes to a pipe with room does not
 * wait, and must not, as the program may be waiting for us at another pipe. */
static ssize_t write_some(int fd, const char *bytes, size_t size)
{
        ssize_t n = send(fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
        struct stat st;

        if (n >= 0 || errno != ENOTSOCK)
                return n;
        if (fd > STDERR_FILENO || fstat(fd, &st) < 0 || !S_ISFIFO(st.st_mode) || size < PIPE_BUF)
                return write(fd, bytes, size);
        return write(fd, bytes, PIPE_BUF);
}

static void stream_write(Stream *s)
{
        ssize_t n = write_some(s->to, s->buffer + s->begin, s->end - s->begin);

        if (n >= 0)
                s->begin += (size_t) n;
        else if (errno != EINTR && errno != EAGAIN) {
                s->failed = errno != EPIPE;
                s->to = -EBADF;
        }
}

/* ---- the loop --------------------------------------------------------------------------------------------------- */

typedef struct Loop {
        Relay *relay;
        Stream *streams;        /* of each standard descriptor */
        pid_t pid;
        int pidfd, signals;
        unsigned n_signals;
        bool ended;
        bool other;             /* not our child: once it has ended, its PID may be another's */
} Loop;

/* At its end our end of the pipe is closed: the program sees the end of its input, or that its output is not read. */
static void close_ended(Loop *l)
{
        for (int i = 0; i < 3; i++) {
                Stream *s = &l->streams[i];

                if (s->to < 0 || (s->from < 0 && stream_is_empty(s))) {
                        stream_end(s);
                        l->relay->ours[i] = fd_close(l->relay->ours[i]);
                }
        }
}

static void take_signal(Loop *l)
{
        struct signalfd_siginfo info;

        if (read(l->signals, &info, sizeof(info)) == (ssize_t) sizeof(info) && !(l->other && l->ended))
                (void) kill(-l->pid, l->n_signals++ > 0 && l->relay->second_kills ? SIGKILL : (int) info.ssi_signo);
}

enum { POLL_PIDFD = 3, POLL_SIGNALS, _POLL_MAX };

static void fill_poll(const Loop *l, struct pollfd p[static _POLL_MAX])
{
        for (int i = 0; i < 3; i++) {
                const Stream *s = &l->streams[i];

                if (s->to < 0)
                        p[i] = (struct pollfd) { .fd = -EBADF };
                else if (stream_is_empty(s))
                        p[i] = (struct pollfd) { .fd = s->from, .events = POLLIN };
                else
                        p[i] = (struct pollfd) { .fd = s->to, .events = POLLOUT };
        }
        p[POLL_PIDFD] = (struct pollfd) { .fd = l->ended ? -EBADF : l->pidfd, .events = POLLIN };
        p[POLL_SIGNALS] = (struct pollfd) { .fd = l->signals, .events = POLLIN };
}

/* Processes that the program leaves behind may hold its pipes: after its end only what is in them is passed on. */
static int loop(Loop *l)
{
        for (;;) {
                struct pollfd p[_POLL_MAX];
                bool moved = false;
                int r;

                close_ended(l);
                fill_poll(l, p);
                r = poll(p, _POLL_MAX, l->ended && stream_is_empty(&l->streams[1]) && stream_is_empty(&l->streams[2]) ? 0 : -1);
                if (r < 0 && errno != EINTR)
                        return -errno;
                if (r < 0)
                        continue;

                for (int i = 0; i < 3; i++) {
                        if (p[i].revents == 0)
                                continue;
                        moved = true;
                        if (p[i].events == POLLIN)
                                stream_read(&l->streams[i]);
                        else
                                stream_write(&l->streams[i]);
                }
                if (p[POLL_SIGNALS].revents)
                        take_signal(l);
                if (p[POLL_PIDFD].revents) {
                        l->ended = true;
                        stream_end(&l->streams[STDIN_FILENO]);
                } else if (l->ended && !moved)
                        return 0;
        }
}

static int open_signals(void)
{
        sigset_t set;

        (void) signal(SIGPIPE, SIG_IGN);
        sigemptyset(&set);
        for (const int *s = relay_signals; *s > 0; s++)
                sigaddset(&set, *s);
        if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
                return -errno;
        return RET_ERRNO(signalfd(-1, &set, SFD_CLOEXEC));
}

static int wait_status(void *userdata, Failure *failure)
{
        const pid_t *pid = userdata;
        int status;

        if (TEMP_FAILURE_RETRY(waitpid(*pid, &status, 0)) < 0)
                return failure_set(failure, -errno, "Failed to wait for the program: %m");
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* pid 0: it has ended. */
static int run(Relay *r, pid_t pid, bool other, int (*get_status)(void *userdata, Failure *failure), void *userdata,
               Failure *failure)
{
        _cleanup_free_ Stream *streams = malloc(3 * sizeof(Stream));    /* pages are touched when used */
        _cleanup_close_ int pidfd = -EBADF, signals = -EBADF;
        Loop l = { .relay = r, .streams = streams, .pid = pid, .other = other };
        int error, status;

        for (int i = 0; i < 3; i++)
                r->theirs[i] = fd_close(r->theirs[i]);
        for (int i = 0; streams && i < 3; i++) {
                stream_end(&streams[i]);
                streams[i].failed = false;
                if (r->ours[i] >= 0) {
                        streams[i].from = i == STDIN_FILENO ? i : r->ours[i];
                        streams[i].to = i == STDIN_FILENO ? r->ours[i] : i;
                }
        }
        l.pidfd = pidfd = pid > 0 ? RET_ERRNO(pidfd_open(pid, 0)) : -ESRCH;
        l.ended = other && pidfd == -ESRCH;
        l.signals = signals = open_signals();
        error = !streams ? -ENOMEM : pidfd < 0 && !l.ended ? pidfd : signals < 0 ? signals : loop(&l);
        if (error < 0 && !l.ended)
                (void) kill(-pid, SIGKILL);
        relay_done(r);
        status = get_status(userdata, failure);
        if (status < 0)
                return status;
        if (error < 0)
                return failure_set(failure, error, "Failed to pass on the program's streams: %m");
        if (streams[STDOUT_FILENO].failed || streams[STDERR_FILENO].failed)
                return failure_set(failure, -EIO, "Failed to write the program's output");
        return status;
}

int relay_run(Relay *r, pid_t pid, Failure *failure)
{
        return run(r, pid, false, wait_status, &pid, failure);
}

int relay_run_other(Relay *r, pid_t pid, int (*get_status)(void *userdata, Failure *failure), void *userdata, Failure *failure)
{
        return run(r, pid, true, get_status, userdata, failure);
}

/* ---- terminals -------------------------------------------------------------------------------------------------- */

enum {
        QUOTE = 0x16,           /* ^V, VLNEXT */
        END = 0x04,             /* ^D, VEOF: passes on an incomplete line; without one, it is the end */
        LINE_MAX_BYTES = 2048,  /* of 4096 in the kernel, with quotes */
};

/* All that a terminal interprets, but for the end of a line. */
static bool is_special(char c)
{
        return ((unsigned char) c < 0x20 && c != '\n' && c != '\t') || c == 0x7f;
}

static int write_to_terminal(int to, const char *bytes, size_t size, size_t *in_line)
{
        char coded[3 * 4096];
        size_t n = 0;

        for (size_t i = 0; i < size; i++) {
                if (is_special(bytes[i]))
                        coded[n++] = QUOTE;
                coded[n++] = bytes[i];
                *in_line = bytes[i] == '\n' ? 0 : *in_line + 1;
                if (*in_line == LINE_MAX_BYTES) {
                        coded[n++] = END;
                        *in_line = 0;
                }
        }
        return fd_write_all(to, coded, n);
}

static int write_from_terminal(int to, const char *bytes, size_t size, bool *carriage_return)
{
        char text[4096 + 1];
        size_t n = 0;

        for (size_t i = 0; i < size; i++) {
                if (*carriage_return && bytes[i] != '\n')
                        text[n++] = '\r';
                *carriage_return = bytes[i] == '\r';
                if (!*carriage_return)
                        text[n++] = bytes[i];
        }
        return fd_write_all(to, text, n);
}

/* In the child. */
static int translate(RelayTranslation translation, int from, int to)
{
        bool carriage_return = false;
        size_t in_line = 0;
        char bytes[4096];

        for (;;) {
                ssize_t n = TEMP_FAILURE_RETRY(read(from, bytes, sizeof(bytes)));
                int r;

                if (n <= 0)
                        break;
                if (translation == RELAY_TO_TERMINAL)
                        r = write_to_terminal(to, bytes, (size_t) n, &in_line);
                else
                        r = write_from_terminal(to, bytes, (size_t) n, &carriage_return);
                if (r < 0)
                        return r;
        }
        if (carriage_return)
                return fd_write_all(to, "\r", 1);
        /* The console adds the end. */
        return in_line > 0 ? fd_write_all(to, "\x04", 1) : 0;
}

int relay_translate(RelayTranslation translation, int *fd, pid_t *ret_pid, Failure *failure)
{
        const int side = translation == RELAY_TO_TERMINAL ? 0 : 1;
        int fds[2];
        pid_t pid;

        if (pipe2(fds, O_CLOEXEC) < 0)
                return failure_set(failure, -errno, "Failed to create a pipe: %m");
        pid = fork();
        if (pid < 0) {
                failure_set(failure, -errno, "Failed to create a process: %m");
                fd_close(fds[0]);
                fd_close(fds[1]);
                return failure ? failure->error : -ECHILD;
        }
        if (pid == 0) {
                const int from = side == 0 ? *fd : fds[0], to = side == 0 ? fds[1] : *fd;

                /* Not the pty: it hangs up with the parent's end. */
                (void) fd_close_all_but(0, (const int[]) { from, to }, 2);
                (void) signal(SIGPIPE, SIG_IGN);
                _exit(translate(translation, from, to) < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
        }
        fd_close(fds[1 - side]);
        *fd = fds[side];
        *ret_pid = pid;
        return 0;
}
