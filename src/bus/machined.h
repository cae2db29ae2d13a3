/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* systemd-machined over D-Bus: one function a method. Synchronous but for the registration, which the supervisor has in
 * flight while it mounts. */

#include <systemd/sd-bus.h>
#include <sys/types.h>

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
        bool create_scope;              /* CreateMachineWithNetwork: a scope of its own; else the caller's unit */
        const char *slice;              /* of that scope; NULL: machine.slice */
        int kill_signal;                /* of that scope */
} MachineRegistration;

/* Sends RegisterMachineWithNetwork or CreateMachineWithNetwork; the reply is taken by machined_register_finish(). */
typedef struct PendingRegistration PendingRegistration;
int machined_register_start(sd_bus *bus, const MachineRegistration *m, PendingRegistration **ret, Failure *failure);

/* Waits for it (at most timeout_usec) and frees it. 0; -ENOSYS: there is no machined on this bus; else the failure. */
int machined_register_finish(PendingRegistration *p, uint64_t timeout_usec, Failure *failure);
PendingRegistration *pending_registration_free(PendingRegistration *p);
DEFINE_CLEANUP(PendingRegistration *, pending_registration_free);

/* -ENXIO where it is not known is no failure to the caller: 0. */
int machined_unregister(sd_bus *bus, const char *name, Failure *failure);

typedef struct MachineRow {
        char *name, *class, *service, *path;
} MachineRow;
int machined_list(sd_bus *bus, MachineRow **ret, size_t *ret_n, Failure *failure);
void machine_rows_free(MachineRow *rows, size_t n);

int machined_kill(sd_bus *bus, const char *name, const char *whom, int sig, Failure *failure);
int machined_terminate(sd_bus *bus, const char *name, Failure *failure);

/* *ret_pty is the master, to be closed by the caller. */
int machined_open_login(sd_bus *bus, const char *name, int *ret_pty, Failure *failure);
int machined_open_shell(sd_bus *bus, const char *name, const char *user, const char *path, char *const *argv,
                        char *const *env, int *ret_pty, Failure *failure);

/* Addresses as text ("10.0.0.5", "fe80::1%3"), NULL-terminated; none for a machine without a network of its own. */
int machined_addresses(sd_bus *bus, const char *name, char ***ret, Failure *failure);
/* KEY=VALUE of the machine's os-release. */
int machined_os_release(sd_bus *bus, const char *name, char ***ret, Failure *failure);

typedef struct MachineProperties {
        char *name, *service, *unit, *class, *root, *state;
        uint8_t id[16];
        uint64_t timestamp, timestamp_monotonic;
        uint32_t leader;
        int *ifindices;
        size_t n_ifindices;
} MachineProperties;
int machined_properties(sd_bus *bus, const char *name, MachineProperties *ret, Failure *failure);
void machine_properties_done(MachineProperties *p);
