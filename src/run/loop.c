/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The event loop (see loop.h). The supervisor; no privilege. Silent. */

#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "run/loop.h"
#include "util/clock.h"
#include "util/macro.h"

static const int stop_signals[] = { SIGTERM, SIGINT, SIGHUP };

void loop_request_stop(Loop *l)
{
        l->stop_requests++;
        if (l->on_stop)
                l->on_stop(l->userdata);
}

/* A signal to all processes of a unit arrives twice where there is a relay: it is one request. */
static bool is_another(Loop *l, const struct signalfd_siginfo *si)
{
        unsigned *mine = &l->n_direct, *others = &l->n_relayed;

        if (l->relay > 0 && (pid_t) si->ssi_pid == l->relay) {
                mine = &l->n_relayed;
                others = &l->n_direct;
        }
        return ++*mine > *others;
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *si, void *userdata)
{
        Loop *l = userdata;

        if (l->stop_signal == 0)
                l->stop_signal = (int) si->ssi_signo;
        if ((!l->terminal_is_shared || si->ssi_code != SI_KERNEL) && is_another(l, si))
                loop_request_stop(l);
        return 0;
}

static bool is_ignored(int sig)
{
        struct sigaction action;

        return sigaction(sig, NULL, &action) >= 0 && action.sa_handler == SIG_IGN;
}

int loop_open(Loop *l)
{
        sigset_t set;

        /* The event loop needs SIGCHLD and SIGWINCH blocked for its own sources. */
        sigemptyset(&set);
        sigaddset(&set, SIGCHLD);
        sigaddset(&set, SIGWINCH);
        for (size_t i = 0; i < ARRAY_SIZE(stop_signals); i++)
                if (!is_ignored(stop_signals[i]))
                        sigaddset(&set, stop_signals[i]);
        if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
                return -errno;
        l->is_open = true;
        return 0;
}

int loop_event(void *loop, sd_event **ret)
{
        Loop *l = loop;
        int r = 0;

        if (!l->event) {
                r = sd_event_new(&l->event);
                for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(stop_signals); i++)
                        if (!is_ignored(stop_signals[i]))
                                r = sd_event_add_signal(l->event, NULL, stop_signals[i], on_signal, l);
        }
        if (r < 0) {
                l->event = sd_event_unref(l->event);
                return r;
        }
        *ret = l->event;
        return 0;
}

void loop_close(Loop *l)
{
        l->event = sd_event_unref(l->event);
}

_Noreturn void loop_end_by_signal(const Loop *l)
{
        sigset_t set;

        sigemptyset(&set);
        for (size_t i = 0; i < ARRAY_SIZE(stop_signals); i++)
                sigaddset(&set, stop_signals[i]);
        /* One that is pending still ends us here. */
        (void) sigprocmask(SIG_UNBLOCK, &set, NULL);
        (void) raise(l->stop_signal > 0 ? l->stop_signal : SIGTERM);
        _exit(EXIT_FAILURE);
}

bool loop_is_cancelled(const Loop *l)
{
        sigset_t pending;

        if (!l->cancellable || l->stop_requests > 0)
                return l->cancellable;
        if (sigpending(&pending) < 0)
                return false;
        for (size_t i = 0; i < ARRAY_SIZE(stop_signals); i++)
                if (sigismember(&pending, stop_signals[i]) > 0)
                        return true;
        return false;
}

_steady_ int loop_run(void *loop, uint64_t usec)
{
        Loop *l = loop;
        sd_event *event;
        int r;

        if (l->cancellable && l->stop_requests > 0)
                return -ECANCELED;
        r = loop_event(l, &event);
        return r < 0 ? r : sd_event_run(event, usec);
}

_steady_ int loop_wait(Loop *l, bool (*done)(void *userdata), void *userdata, uint64_t usec)
{
        const uint64_t start = clock_usec(CLOCK_MONOTONIC);
        int r = 0;

        while (r >= 0 && !done(userdata)) {
                uint64_t passed = clock_usec(CLOCK_MONOTONIC) - start;

                r = passed >= usec ? -ETIMEDOUT : loop_run(l, usec == UINT64_MAX ? UINT64_MAX : usec - passed);
        }
        return r < 0 ? r : 0;
}

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        *(bool *) userdata = true;
        return 0;
}

static bool is_set(void *userdata)
{
        return *(bool *) userdata;
}

int loop_wait_readable(Loop *l, int fd)
{
        return loop_wait_readable_for(l, fd, UINT64_MAX);
}

int loop_wait_readable_for(Loop *l, int fd, uint64_t usec)
{
        sd_event_source *source = NULL;
        bool readable = false;
        sd_event *event;
        int r;

        r = loop_event(l, &event);
        if (r >= 0)
                r = sd_event_add_io(event, &source, fd, EPOLLIN, on_readable, &readable);
        if (r < 0)
                return r;
        r = loop_wait(l, is_set, &readable, usec);
        sd_event_source_unref(source);
        return r;
}
