/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * See copy.h. Part of boxctl, as root: finds both ends, starts the process that copies, shows its progress and passes signals on.
 * A file system of a machine can block that process for ever. It is left behind then, with no descriptor of ours whose closing
 * a caller could wait for.
 */

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl/copy-worker.h"
#include "ctl/format.h"
#include "util/clock.h"
#include "util/fd.h"
#include "util/terminal-stream.h"

#define PROGRESS_USEC (USEC_PER_SEC / 4)
#define PROGRESS_FIRST_USEC USEC_PER_SEC
#define STOP_USEC (2 * USEC_PER_SEC)

/* ---- progress --------------------------------------------------------------------------------------------- */

typedef struct Progress {
        bool on;                        /* standard error is a terminal */
        bool shown;
        uint64_t begin_usec;
} Progress;

static void progress_show(Progress *p, const CopyReport *report, uint64_t now)
{
        const uint64_t usec = now - p->begin_usec, bytes = report->count.bytes;
        const uint64_t rate = (uint64_t) ((double) bytes * USEC_PER_SEC / (double) (usec ?: 1));
        char size[FORMAT_MAX], speed[FORMAT_MAX];

        terminal_style(stderr, "\r\x1b[K");
        fprintf(stderr, "%" PRIu64 " files, %s, %s/s", report->count.files, format_bytes(bytes, size),
                format_bytes(rate, speed));
        if (report->total > bytes && rate > 0) {
                uint64_t left = (report->total - bytes) / rate;

                fprintf(stderr, ", %" PRIu64 "%%, %" PRIu64 ":%02" PRIu64 " left", bytes / (report->total / 100 + 1), left / 60,
                        left % 60);
        }
        (void) fflush(stderr);
        p->shown = true;
}

static void progress_end(const Progress *p)
{
        if (p->shown) {
                terminal_style(stderr, "\r\x1b[K");
                (void) fflush(stderr);
        }
}

/* ---- the process that copies ------------------------------------------------------------------------------ */

typedef struct Worker {
        pid_t pid;
        int pidfd, signals;
        int signal;                     /* that ends the copy; 0: none */
        uint64_t stop_usec;             /* when it is killed */
        CopyReport *report;
} Worker;

static void block_signals(sigset_t *set)
{
        sigemptyset(set);
        sigaddset(set, SIGINT);
        sigaddset(set, SIGTERM);
        sigaddset(set, SIGHUP);
        (void) sigprocmask(SIG_BLOCK, set, NULL);
}

static _Noreturn void work(const CopyJob *job)
{
        const size_t n = job->request->n_sources;
        int *keep = calloc(n + 1, sizeof(int)), r = keep ? 0 : -ENOMEM;

        for (size_t i = 0; r >= 0 && i < n; i++)
                keep[i] = job->sources[i].root_fd;
        if (r >= 0) {
                keep[n] = job->dest->root_fd;
                r = fd_close_all_but(0, keep, n + 1);
        }
        if (r >= 0)
                r = fd_secure_standard_streams(O_RDWR);
        if (r >= 0)
                r = copy_worker(job);
        if (r < 0)
                (void) failure_set(&job->report->failure, r, "Failed to copy: %m");
        _exit(r < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}

static int worker_start(const CopyJob *job, Worker *w)
{
        sigset_t set;

        block_signals(&set);
        w->report = job->report;
        w->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
        if (w->signals < 0)
                return -errno;
        (void) fflush(stdout);
        w->pid = fork();
        if (w->pid == 0)
                work(job);
        w->pidfd = w->pid < 0 ? -1 : pidfd_open(w->pid, 0);
        return w->pidfd < 0 ? -errno : 0;
}

static void take_signal(Worker *w)
{
        struct signalfd_siginfo info;

        if (read(w->signals, &info, sizeof(info)) != sizeof(info))
                return;
        (void) pidfd_send_signal(w->pidfd, SIGTERM, NULL, 0);
        if (w->signal == 0)
                w->stop_usec = clock_usec(CLOCK_MONOTONIC) + STOP_USEC;
        w->signal = (int) info.ssi_signo;
}

/* Milliseconds until there is something to do without an event; -1: never. */
static int worker_timeout(const Worker *w, const Progress *p, uint64_t now)
{
        if (w->signal != 0)
                return w->stop_usec > now ? (int) ((w->stop_usec - now) / 1000 + 1) : 0;
        return p->on ? (int) (PROGRESS_USEC / 1000) : -1;
}

/* 0: it has ended. -ETIMEDOUT: it does not end. */
static int worker_wait(Worker *w, Progress *p)
{
        struct pollfd fds[] = { { w->pidfd, POLLIN, 0 }, { w->signals, POLLIN, 0 } };

        for (;;) {
                uint64_t now = clock_usec(CLOCK_MONOTONIC);
                int r = RET_ERRNO(poll(fds, ARRAY_SIZE(fds), worker_timeout(w, p, now)));

                if (r < 0 && r != -EINTR)
                        return r;
                if (r > 0 && fds[0].revents != 0)
                        return 0;
                if (r > 0 && fds[1].revents != 0)
                        take_signal(w);
                now = clock_usec(CLOCK_MONOTONIC);
                if (w->signal != 0 && now >= w->stop_usec)
                        return -ETIMEDOUT;
                if (p->on && now >= p->begin_usec + PROGRESS_FIRST_USEC)
                        progress_show(p, w->report, now);
        }
}

/* A process that a file system holds cannot even be killed. */
static void worker_kill(const Worker *w)
{
        struct pollfd end = { w->pidfd, POLLIN, 0 };

        (void) pidfd_send_signal(w->pidfd, SIGKILL, NULL, 0);
        (void) poll(&end, 1, 500);
        (void) waitpid(w->pid, NULL, WNOHANG);
}

/* ---- the result ------------------------------------------------------------------------------------------- */

static void tell_left_out(const TreeCopyCount *count)
{
        const struct {
                uint64_t n;
                const char *what;
        } kinds[] = {
                { count->no_set_id, "set-user-ID or set-group-ID bits of files" },
                { count->no_capabilities, "capabilities of files" },
                { count->no_devices, "device nodes" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
                if (kinds[i].n > 0)
                        log_warning(0, "Left out: %s (%" PRIu64 "); --archive copies them", kinds[i].what, kinds[i].n);
        if (count->no_api > 0)
                log_info(0, "Left out: file systems of the kernel, such as /proc (%" PRIu64 ")", count->no_api);
}

static int tell_result(const Ctl *c, const Worker *w, int waited, int status)
{
        const CopyReport *report = w->report;

        if (waited < 0) {
                log_error(waited, "The copy does not end, because a file system does not answer; left it behind");
                return w->signal != 0 ? 128 + w->signal : waited;
        }
        if (report->warning.error != 0)
                log_warning(report->warning.error, "%s", report->warning.text);
        if (!c->options.quiet)
                tell_left_out(&report->count);
        if (w->signal != 0 && status != 0) {
                log_error(-EINTR, "Interrupted after %" PRIu64 " files; none is left incomplete", report->count.files);
                return 128 + w->signal;
        }
        if (report->failure.error == -EEXIST)
                return log_error(-EEXIST, "%s; to replace it: --force", report->failure.text);
        if (report->failure.error < 0)
                return log_error(report->failure.error, "%s", report->failure.text);
        return status == 0 ? 0 : log_error(-EIO, "The process that copies was killed");
}

static int copy(Ctl *c, const CopyJob *job)
{
        Worker w = { .pidfd = -EBADF, .signals = -EBADF };
        Progress p = { .on = !c->options.quiet && isatty(STDERR_FILENO), .begin_usec = clock_usec(CLOCK_MONOTONIC) };
        int status = 0, r;

        r = worker_start(job, &w);
        if (r >= 0) {
                r = worker_wait(&w, &p);
                progress_end(&p);
                if (r < 0)
                        worker_kill(&w);
                else
                        (void) TEMP_FAILURE_RETRY(waitpid(w.pid, &status, 0));
                r = tell_result(c, &w, r, status);
        } else
                r = log_error(r, "Failed to start the copy: %m");
        fd_close(w.pidfd);
        fd_close(w.signals);
        return r;
}

static void *new_report(void)
{
        void *p = mmap(NULL, sizeof(CopyReport), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

        return p == MAP_FAILED ? NULL : p;
}

/* ---- the ends --------------------------------------------------------------------------------------------- */

static int open_end(Ctl *c, const CopyPath *p, bool write, CopyEnd *ret)
{
        Failure f = { 0 };
        int r = copy_end_open(c, p->machine, write, ret, &f);

        return r < 0 ? log_error(r, "%s%s%s", p->machine ?: "", p->machine ? ": " : "", f.text) : 0;
}

/* Machines that are named several times are opened once: a stopped one is locked by us then. */
static int open_source_end(Ctl *c, const CopyRequest *q, const CopyEnd *dest, CopyEnd *sources, size_t i)
{
        const char *name = q->sources[i].machine;

        sources[i] = (CopyEnd) COPY_END_HOST;
        for (size_t j = 0; name && j <= i; j++) {
                const CopyEnd *known = j == i ? dest : sources + j;

                if (known->machine && strcmp(known->machine, name) == 0) {
                        sources[i] = *known;
                        sources[i].leader = (Leader) LEADER_NULL;
                        sources[i].image = (Image) { .fd = -EBADF };
                        sources[i].lock = (ImageLock) IMAGE_LOCK_NULL;
                        return 0;
                }
        }
        return open_end(c, q->sources + i, false, sources + i);
}

static int copy_between(Ctl *c, const CopyRequest *q, CopyEnd *sources)
{
        _cleanup_(copy_end_done) CopyEnd dest = COPY_END_HOST;
        CopyJob job = { .request = q, .sources = sources, .dest = &dest, .force = c->options.force, .archive = c->options.archive,
                        .owner = c->options.chown, .report = new_report() };
        size_t n = 0;
        int r;

        if (!job.report)
                return log_oom();
        r = open_end(c, q->dest, true, &dest);
        for (; r >= 0 && n < q->n_sources; n++)
                r = open_source_end(c, q, &dest, sources, n);
        if (r >= 0)
                r = copy(c, &job);
        for (size_t i = 0; i < n; i++)
                copy_end_done(sources + i);
        (void) munmap(job.report, sizeof(CopyReport));
        return r;
}

int copy_run(Ctl *c, const CopyRequest *request)
{
        _cleanup_free_ CopyEnd *sources = calloc(request->n_sources, sizeof(CopyEnd));

        return sources ? copy_between(c, request, sources) : log_oom();
}
