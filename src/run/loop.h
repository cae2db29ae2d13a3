/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The supervisor's event loop, one from before the first stage of a start until the last one is undone. A stop can be asked for
 * at any moment: by SIGTERM, SIGINT or SIGHUP (a terminal that was closed), or by systemd (loop_request_stop()). During a start
 * it ends what is waited for with -ECANCELED; while the payload runs it calls on_stop.
 */

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

typedef struct Loop {
        sd_event *event;
        bool cancellable;               /* a request to stop ends waiting */
        unsigned stop_requests;
        int stop_signal;                /* the first signal among them; 0: none */
        void (*on_stop)(void *userdata);        /* NULL: requests are only counted */
        void *userdata;
} Loop;

/* Blocks the signals and takes them from here on. SIGHUP is left alone where our caller ignores it (nohup). */
int loop_open(Loop *l);
void loop_close(Loop *l);

void loop_request_stop(Loop *l);

/* Ends the process as the signal would have ended it: shells and systemd tell that from a failure. After loop_close(). */
_Noreturn void loop_end_by_signal(const Loop *l);

/* Is the start to be cancelled? For code that works for long without waiting: looks at pending signals, too. */
bool loop_is_cancelled(const Loop *l);

/* One event, or usec: the run() of a BusWait, with the Loop as userdata. -ECANCELED once a stop is asked for during a start. */
int loop_run(void *loop, uint64_t usec);

/* Runs the loop until done(userdata) is true. -ECANCELED, -ETIMEDOUT (usec UINT64_MAX: never), or the loop's own error. */
int loop_wait(Loop *l, bool (*done)(void *userdata), void *userdata, uint64_t usec);

/* Runs the loop until fd is readable, or closed on its other side. */
int loop_wait_readable(Loop *l, int fd);
