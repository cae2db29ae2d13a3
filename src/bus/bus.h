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

/* Says goodbye without waiting for anybody: what is queued is written, the connection is closed. */
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

/* A call's error as ours: known error names become errnos (NoSuchMachine → -ENXIO, MachineExists → -EEXIST,
 * ServiceUnknown → -ENOSYS, AccessDenied → -EACCES, NoSuchUnit → -ENOENT …), the service's own sentence the text, after
 * "Failed to WHAT: ". */
int bus_failure(Failure *failure, int r, const sd_bus_error *error, const char *what);
