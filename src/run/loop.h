/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The supervisor's event loop, which runs from before the first stage of a start until the last stage is undone. A stop can be
 * requested at any time: by SIGTERM, SIGINT or SIGHUP (a closed terminal), or by systemd (loop_request_stop()). During a start
 * it ends every wait with -ECANCELED; while the payload runs it calls on_stop.
 */

#include <stdbool.h>
#include <stdint.h>

#include "util/libsystemd.h"

typedef struct Loop {
        sd_event *event;                /* internal: see loop_event() */
        bool is_open;
        bool cancellable;               /* a request to stop ends waiting */
        bool terminal_is_shared;        /* signals of the terminal reach the process that acts on them, too */
        pid_t relay;                    /* a process that passes on signals, which may reach us directly, too; 0: none */
        unsigned n_relayed, n_direct;   /* internal: signals from it and from others */
        unsigned stop_requests;
        int stop_signal;                /* the first signal among them; 0: none */
        void (*on_stop)(void *userdata);        /* NULL: requests are only counted */
        void *userdata;
} Loop;

/* Blocks the signals from here on, but for those that our caller ignores (nohup). */
int loop_open(Loop *l);

/* The event loop, created at the first use: by then, the child works at the same time. */
int loop_event(void *loop, sd_event **ret);
void loop_close(Loop *l);

void loop_request_stop(Loop *l);

/* Dies by the signal that cancelled the start: shells and systemd distinguish that from a failure. After loop_close(). */
_Noreturn void loop_end_by_signal(const Loop *l);

/* Was a stop requested during a start? Also checks pending signals, for code that works for long without waiting. */
bool loop_is_cancelled(const Loop *l);

/* Handles one event, or returns after usec. The run() of a BusWait, with a Loop as userdata. -ECANCELED: see above. */
int loop_run(void *loop, uint64_t usec);

/* Runs the loop until done(userdata) is true. -ECANCELED, -ETIMEDOUT (usec UINT64_MAX: never), or the loop's own error. */
int loop_wait(Loop *l, bool (*done)(void *userdata), void *userdata, uint64_t usec);

/* Runs the loop until fd is readable, or its peer is closed. */
int loop_wait_readable(Loop *l, int fd);

/* The same for at most usec: -ETIMEDOUT. */
int loop_wait_readable_for(Loop *l, int fd, uint64_t usec);
