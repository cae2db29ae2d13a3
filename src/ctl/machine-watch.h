/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Events of box's machines as they happen, of those that start later, too: from inotify on /run/box, and from the machines'
 * control sockets, which any user may read. For an event loop; nothing is polled.
 */

#include "util/failure.h"
#include "util/libsystemd.h"

typedef struct MachineWatch MachineWatch;

typedef struct MachineEvent {
        const char *machine;
        const char *event;      /* as of io.box.Machine.Subscribe; "died": its supervisor has, without a last event */
        const char *state;      /* after it: "starting", "running", "paused", "stopping" */
        uint64_t usec;          /* CLOCK_REALTIME */
        const char *reason;     /* of a failure; NULL */
} MachineEvent;

/* May not free the watch. */
typedef void (*MachineWatchFunction)(const MachineEvent *e, void *userdata);

/* f is called with "subscribed" for each machine that runs already, in the loop, not here. */
int machine_watch_new(sd_event *event, MachineWatchFunction f, void *userdata, MachineWatch **ret, Failure *failure);
MachineWatch *machine_watch_free(MachineWatch *w);
DEFINE_CLEANUP(MachineWatch *, machine_watch_free);
