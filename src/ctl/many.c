/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Many machines at once (see many.h). What is asked of systemd for all of them goes over one connection (units.c). A function
 * for one machine is called for several in processes of their own, a bounded number at a time: each has a connection of its own.
 * Where polkit may ask for a password they take turns, as it knows the first process only. Part of boxctl, with its caller's
 * rights.
 */

#include <fnmatch.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl/agent.h"
#include "ctl/exit-status.h"
#include "ctl/many.h"
#include "ctl/names.h"
#include "util/fd.h"
#include "util/strv.h"

enum { AT_A_TIME = 16 };

static bool is_glob(const char *word)
{
        return strpbrk(word, "*?[");
}

bool names_have_glob(char *const *words)
{
        STRV_FOREACH(w, words)
                if (is_glob(*w))
                        return true;
        return false;
}

static int add_once(char ***names, const char *name)
{
        return strv_contains(*names, name) ? 0 : strv_extend(names, name);
}

int names_match(char *const *words, char *const *candidates, bool running, char ***ret, Failure *failure)
{
        _cleanup_strv_ char **names = NULL;
        int r = 0;

        STRV_FOREACH(w, words) {
                bool any = false;

                if (!is_glob(*w)) {
                        r = add_once(&names, *w);
                        if (r < 0)
                                return failure_set(failure, r, "Out of memory");
                        continue;
                }
                STRV_FOREACH(name, candidates) {
                        if (fnmatch(*w, *name, FNM_PERIOD) != 0)
                                continue;
                        any = true;
                        r = add_once(&names, *name);
                        if (r < 0)
                                return failure_set(failure, r, "Out of memory");
                }
                if (!any)
                        return failure_set(failure, -ENXIO, "No %smachine matches '%s'; see boxctl list%s",
                                           running ? "running " : "", *w, running ? "" : " --all");
        }
        *ret = TAKE_PTR(names);
        return 0;
}

int names_expand(const Verb *v, char *const *words, bool all, char ***ret, Failure *failure)
{
        _cleanup_strv_ char **candidates = NULL;

        if ((all || names_have_glob(words)) && names_list(v, &candidates) < 0)
                return failure_set(failure, -ENOMEM, "Out of memory");
        if (!all)
                return names_match(words, candidates, !(v->flags & VERB_TAKES_IMAGES), ret, failure);
        *ret = TAKE_PTR(candidates);
        return 0;
}

int names_report(Ctl *c, char *const *names, const Failure *failures, size_t n)
{
        int worst = 0;

        for (size_t i = 0; i < n; i++) {
                if (failures[i].error < 0)
                        (void) complain(names[i], &failures[i]);
                else if (c->many && !c->options.quiet)
                        printf("%s: %s\n", names[i], c->options.no_block ? "requested" : c->verb->done ?: "done");
                worst = exit_worse(worst, failures[i].error);
        }
        return worst;
}

/* ---- a process for each ---------------------------------------------------------------------------------------- */

typedef int (*OneMachine)(Ctl *c, const char *name, Failure *failure);

/* A machine that is worked on. */
typedef struct Worker {
        size_t index;           /* in the names */
        pid_t pid;
        int fd;                 /* its Failure */
} Worker;

/* The connection is the parent's: sd-bus does not let a child use it. */
static _Noreturn void work_and_exit(Ctl *c, const char *name, OneMachine one, int fd)
{
        Failure f = { 0 };

        c->bus = NULL;
        if (one(c, name, &f) < 0 && f.error == 0)
                failure_set(&f, -EIO, "It failed");
        (void) fflush(stdout);
        _exit(fd_write_all(fd, &f, sizeof(f)) < 0);
}

static int start_worker(Ctl *c, const char *name, OneMachine one, Worker *w)
{
        int fds[2];

        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        w->pid = fork();
        if (w->pid == 0)
                work_and_exit(c, name, one, fds[1]);
        fd_close(fds[1]);
        if (w->pid < 0) {
                fd_close(fds[0]);
                return -errno;
        }
        w->fd = fds[0];
        return 0;
}

static void finish_worker(const Worker *w, Failure *ret)
{
        Failure f;
        ssize_t n;

        /* One write of less than PIPE_BUF bytes arrives as a whole. */
        n = TEMP_FAILURE_RETRY(read(w->fd, &f, sizeof(f)));
        fd_close(w->fd);
        (void) TEMP_FAILURE_RETRY(waitpid(w->pid, NULL, 0));
        if (n == sizeof(f))
                *ret = f;
        else
                failure_set(ret, -EIO, "The process that worked on it was killed");
}

/* Waits until one is done, and returns its place. */
static size_t wait_worker(const Worker *workers, size_t n)
{
        struct pollfd p[AT_A_TIME];

        for (size_t i = 0; i < n; i++)
                p[i] = (struct pollfd) { .fd = workers[i].fd, .events = POLLIN };
        if (TEMP_FAILURE_RETRY(poll(p, n, -1)) > 0)
                for (size_t i = 0; i < n; i++)
                        if (p[i].revents)
                                return i;
        return 0;
}

static void work_apart(Ctl *c, char *const *names, size_t n, OneMachine one, Failure *failures)
{
        Worker workers[AT_A_TIME];
        size_t next = 0, running = 0;

        (void) fflush(stdout);
        while (next < n || running > 0) {
                size_t done;

                if (next < n && running < AT_A_TIME) {
                        workers[running].index = next;
                        if (start_worker(c, names[next], one, &workers[running]) >= 0)
                                running++;
                        else
                                (void) one(c, names[next], &failures[next]);
                        next++;
                        continue;
                }
                done = wait_worker(workers, running);
                finish_worker(&workers[done], &failures[workers[done].index]);
                workers[done] = workers[--running];
        }
}

int each_name(Ctl *c, char *const *names, size_t n, OneMachine one)
{
        _cleanup_free_ Failure *failures = calloc(n, sizeof(Failure));

        if (!failures)
                return log_oom();
        if (n > 1 && !agents_may_ask())
                work_apart(c, names, n, one, failures);
        else
                for (size_t i = 0; i < n; i++)
                        (void) one(c, names[i], &failures[i]);
        return names_report(c, names, failures, n);
}
