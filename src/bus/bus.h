/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The system bus, and the names on it. */

#include <systemd/sd-bus.h>

#include "util/failure.h"

#define BUS_SYSTEMD1 "org.freedesktop.systemd1"
#define BUS_SYSTEMD1_PATH "/org/freedesktop/systemd1"
#define BUS_SYSTEMD1_MANAGER "org.freedesktop.systemd1.Manager"
#define BUS_MACHINE1 "org.freedesktop.machine1"
#define BUS_MACHINE1_PATH "/org/freedesktop/machine1"
#define BUS_MACHINE1_MANAGER "org.freedesktop.machine1.Manager"

/* Opens the system bus. A failure says that there is none and what needs it. */
int bus_open_system(sd_bus **ret, Failure *failure);

/* Flushes queued messages and closes the connection; waits for no reply. */
static inline void bus_closep(sd_bus **bus)
{
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

#define _cleanup_bus_error_ _cleanup_(sd_bus_error_free)

/* How a caller waits for the bus. NULL blocks in it. The supervisor runs its event loop, which the bus is attached to: run()
 * returns after one event or usec, or with an error that ends the waiting. */
typedef struct BusWait {
        int (*run)(void *userdata, uint64_t usec);
        void *userdata;
} BusWait;

/* Waits until *done, which a callback of the bus sets. 0, -ETIMEDOUT, or an error of the bus or of the caller's run(). */
int bus_wait(sd_bus *bus, const BusWait *wait, const bool *done, uint64_t usec);

/* Writes out what is queued, on a connection that may still be on its way. */
int bus_flush(sd_bus *bus, const BusWait *wait);

/* A call whose reply is awaited later. May not move between bus_call_send() and bus_call_done(). */
typedef struct BusCall {
        sd_bus_slot *slot;
        sd_bus_message *reply;          /* the method's, or an error, a time-out among them */
        bool done;
} BusCall;
int bus_call_send(sd_bus *bus, sd_bus_message *m, uint64_t usec /* 0: the default, 25 s */, BusCall *call);
void bus_call_done(BusCall *call);

/* Of a call that is done: NULL where it succeeded. */
const sd_bus_error *bus_call_error(const BusCall *call);

/* Send, wait, and take the reply, as sd_bus_call() does. */
int bus_call(sd_bus *bus, const BusWait *wait, sd_bus_message *m, uint64_t usec, sd_bus_error *error, sd_bus_message **ret);

/* A call's error as ours: known error names become errnos (NoSuchMachine → -ENXIO, MachineExists → -EEXIST,
 * ServiceUnknown → -ENOSYS, AccessDenied → -EACCES, NoSuchUnit → -ENOENT …), the service's own sentence the text, after
 * "Failed to WHAT: ". */
int bus_failure(Failure *failure, int r, const sd_bus_error *error, const char *what);
