/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The transient scope unit of a machine that was started by hand. machined creates it with the registration; without
 * machined, StartTransientUnit does. Our connection is its Controller: to stop the scope, systemd sends us RequestStop.
 */

#include <sys/types.h>

#include "bus/bus.h"
#include "util/unit-property.h"

typedef struct ScopeOptions {
        const char *unit;               /* full name, "box-x.scope"; this and the next two: not for machined's scopes */
        const char *description;
        pid_t pid;
        const char *slice;              /* NULL: machine.slice */
        const UnitProperty *const *properties;  /* in addition to those of all machines' scopes */
        size_t n_properties;
        int kill_signal;                /* 0: systemd's default */
        uint64_t stop_timeout_usec;     /* 0: systemd's default */
} ScopeOptions;

/* DeviceAllow= of every scope: name and access of each. */
#define SCOPE_DEVICES "/dev/net/tun", "rwm", "/dev/fuse", "rwm", "char-pts", "rw"

/* Appends the properties of all machines' scopes, and those of the options, to an open array of (sv). */
int scope_append_properties(sd_bus_message *m, sd_bus *bus, const ScopeOptions *options);

/* Sends StartTransientUnit; scope_finish() waits until the unit has started (-EEXIST: its name is taken). */
typedef struct PendingScope PendingScope;
int scope_start(sd_bus *bus, const BusWait *wait, const ScopeOptions *options, PendingScope **ret, Failure *failure);
int scope_finish(PendingScope *p, const BusWait *wait, uint64_t usec, Failure *failure);
/* Sends StopUnit, which systemd handles after the creation, and does not wait. */
int scope_stop_send(PendingScope *p);
PendingScope *pending_scope_free(PendingScope *p);
DEFINE_CLEANUP(PendingScope *, pending_scope_free);

/* Calls handler on RequestStop of the one scope whose Controller this connection is. installed gets the reply to AddMatch. */
int scope_on_request_stop(sd_bus *bus, sd_bus_message_handler_t handler, sd_bus_message_handler_t installed, void *userdata,
                          sd_bus_slot **ret);
