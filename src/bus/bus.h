/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The connection to the system bus, calls over it, and the names of systemd and machined. */

#include "util/failure.h"
#include "util/libsystemd.h"

#define BUS_SYSTEMD1 "org.freedesktop.systemd1"
#define BUS_SYSTEMD1_PATH "/org/freedesktop/systemd1"
#define BUS_SYSTEMD1_MANAGER "org.freedesktop.systemd1.Manager"
#define BUS_MACHINE1 "org.freedesktop.machine1"
#define BUS_MACHINE1_PATH "/org/freedesktop/machine1"
#define BUS_MACHINE1_MANAGER "org.freedesktop.machine1.Manager"

/* Connects to the system bus. *ret belongs to the caller. */
int bus_open_system(sd_bus **ret, Failure *failure);

/* The same of a running machine, which takes root here, and systemd and dbus there. */
int bus_open_machine(const char *machine, sd_bus **ret, Failure *failure);

/* Flushes queued messages and closes; waits for no reply. Without a bus, libsystemd is not loaded. */
static inline void bus_closep(sd_bus **bus)
{
        if (*bus)
                *bus = sd_bus_flush_close_unref(*bus);
}
#define _cleanup_bus_ _cleanup_(bus_closep)

static inline void bus_messagep(sd_bus_message **m)
{
        *m = sd_bus_message_unref(*m);
}
#define _cleanup_message_ _cleanup_(bus_messagep)

static inline void bus_slotp(sd_bus_slot **s)
{
        *s = sd_bus_slot_unref(*s);
}
#define _cleanup_slot_ _cleanup_(bus_slotp)

static inline void bus_errorp(sd_bus_error *e)
{
        sd_bus_error_free(e);
}
#define _cleanup_bus_error_ _cleanup_(bus_errorp)

/* How to wait for the bus. NULL: block in sd_bus_wait(). The supervisor passes its event loop, which the bus is attached to
 * once it is ready: run() handles one event or returns after usec; an error ends the wait. */
typedef struct BusWait {
        int (*run)(void *userdata, uint64_t usec);
        int (*event)(void *userdata, sd_event **ret);
        void *userdata;
} BusWait;

/* Waits until a callback of the bus has set *done. 0, -ETIMEDOUT, or an error of the bus or of wait->run(). */
int bus_wait(sd_bus *bus, const BusWait *wait, const bool *done, uint64_t usec);

/* Waits for the connection to stand, at most usec: nothing that follows blocks then. Not for a bus with an event loop. */
int bus_connect(sd_bus *bus, uint64_t usec);

/* Sends queued messages, once the connection is established. */
int bus_flush(sd_bus *bus, const BusWait *wait);

/* The time for a call of a start: 60 s, as a host on which many machines start needs more than libsystemd's 25 s; 0 where
 * SYSTEMD_BUS_TIMEOUT sets libsystemd's. */
uint64_t bus_start_usec(sd_bus *bus);

/* A call whose reply is awaited later. Must stay at its address between bus_call_send() and bus_call_done(). */
typedef struct BusCall {
        sd_bus_slot *slot;
        sd_bus_message *reply;          /* or an error message, also after a time-out */
        bool done;
} BusCall;
int bus_call_send(sd_bus *bus, sd_bus_message *m, uint64_t usec /* 0: the default, 25 s */, BusCall *call);
void bus_call_done(BusCall *call);

/* The error of a call that is done; NULL: it succeeded. */
const sd_bus_error *bus_call_error(const BusCall *call);

/* Like sd_bus_call(), but waits by `wait`. ret may be NULL. */
int bus_call(sd_bus *bus, const BusWait *wait, sd_bus_message *m, uint64_t usec, sd_bus_error *error, sd_bus_message **ret);

/* Records a call's error: known D-Bus errors become errnos (NoSuchMachine → -ENXIO, MachineExists → -EEXIST,
 * ServiceUnknown → -ENOSYS, AccessDenied → -EACCES, NoSuchUnit → -ENOENT …), others r; the text is "Failed to WHAT: " and
 * the service's message. */
int bus_failure(Failure *failure, int r, const sd_bus_error *error, const char *what);
