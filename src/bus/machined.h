/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* systemd-machined over D-Bus: one function a method. Synchronous but for the registration, which the supervisor has in
 * flight while it mounts. -ENOSYS from any of them: there is no machined on this bus (not installed, masked, or it does
 * not come up); -ENXIO: it knows no such machine. */

#include <sys/types.h>
#include <systemd/sd-bus.h>

#include "bus/properties.h"
#include "bus/scope.h"
#include "util/failure.h"

typedef struct MachineRegistration {
        const char *name;
        uint8_t id[16];
        const char *service;            /* "box" */
        const char *class;              /* "container" */
        pid_t leader;
        const char *root;               /* absolute */
        const int *ifindices;
        size_t n_ifindices;
        const ScopeOptions *scope;      /* CreateMachineWithNetwork: machined creates a scope; NULL: in the caller's unit */
} MachineRegistration;

/* Sends RegisterMachineWithNetwork or CreateMachineWithNetwork; the reply is taken by machined_register_finish(). */
typedef struct PendingRegistration PendingRegistration;
int machined_register_start(sd_bus *bus, const BusWait *wait, const MachineRegistration *reg, PendingRegistration **ret,
                            Failure *failure);

/* Waits for it, at most usec (UINT64_MAX: as long as D-Bus does, 25 s). -EEXIST: the name is taken. */
int machined_register_finish(PendingRegistration *p, const BusWait *wait, uint64_t usec, Failure *failure);
PendingRegistration *pending_registration_free(PendingRegistration *p);
DEFINE_CLEANUP(PendingRegistration *, pending_registration_free);

/* That it is not known is no failure to the caller: 0. */
int machined_unregister(sd_bus *bus, const char *name, Failure *failure);

/* The same without waiting for an answer: for a machined that has not answered before. */
int machined_unregister_send(sd_bus *bus, const char *name);

typedef struct MachineRow {
        char *name, *class, *service, *path;
} MachineRow;
int machined_list(sd_bus *bus, MachineRow **ret, size_t *ret_n, Failure *failure);
void machine_rows_free(MachineRow *rows, size_t n);

/* whom: "leader", "all" or "". */
int machined_kill(sd_bus *bus, const char *name, const char *whom, int sig, Failure *failure);
int machined_terminate(sd_bus *bus, const char *name, Failure *failure);

/* *ret_pty is the master, non-blocking, to be closed by the caller. */
int machined_open_login(sd_bus *bus, const char *name, int *ret_pty, Failure *failure);
/* user NULL or "": root; path NULL or "": the user's shell; argv is then ignored. */
int machined_open_shell(sd_bus *bus, const char *name, const char *user, const char *path, char *const *argv,
                        char *const *env, int *ret_pty, Failure *failure);

/* Calls handler once for each machine that goes away: the message's first string is its name. */
int machined_on_removed(sd_bus *bus, sd_bus_message_handler_t handler, void *userdata, sd_bus_slot **ret,
                        Failure *failure);

/* Addresses as text ("10.0.0.5", and with an ifindex > 0 "fe80::1%3"), NULL-terminated; none for a machine without a
 * network of its own. */
int machined_addresses(sd_bus *bus, const char *name, int ifindex, char ***ret, Failure *failure);
/* KEY=VALUE of the machine's os-release. */
int machined_os_release(sd_bus *bus, const char *name, char ***ret, Failure *failure);

typedef struct MachineProperties {
        char *name, *service, *unit, *class, *root, *state;
        uint8_t id[16];
        uint64_t timestamp, timestamp_monotonic;
        uint32_t leader;
        IntArray ifindices;
} MachineProperties;
int machined_properties(sd_bus *bus, const char *name, MachineProperties *ret, Failure *failure);
void machine_properties_done(MachineProperties *p);

/* All properties of a machine, or (name NULL) of machined itself, as bus_properties_text() words them. */
int machined_properties_text(sd_bus *bus, const char *name, bool all, char ***ret, Failure *failure);
