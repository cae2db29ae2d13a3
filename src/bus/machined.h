/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* systemd-machined over D-Bus: one function a method. All but the registration block until the reply. -ENOSYS: there is no
 * machined (not installed, masked, or it fails to start); -ENXIO: it knows no such machine. */

#include <sys/types.h>

#include "bus/properties.h"
#include "bus/scope.h"
#include "util/failure.h"
#include "util/libsystemd.h"

/* The service of box's machines in machined. */
#define MACHINED_SERVICE "box"

typedef struct MachineRegistration {
        const char *name;
        uint8_t id[16];
        const char *service;            /* MACHINED_SERVICE */
        const char *class;              /* "container" */
        pid_t leader;
        int leader_pidfd;
        const char *root;               /* absolute */
        const int *ifindices;
        size_t n_ifindices;
        const ScopeOptions *scope;      /* the scope that machined is to create; NULL: the machine is in the caller's unit */
} MachineRegistration;

/* Sends CreateMachineWithNetwork (with a scope) or RegisterMachineWithNetwork. */
typedef struct PendingRegistration PendingRegistration;
int machined_register_start(sd_bus *bus, const BusWait *wait, const MachineRegistration *reg, PendingRegistration **ret,
                            Failure *failure);

/* Waits for the reply, at most usec (UINT64_MAX: bus_start_usec()). -EEXIST: the name is taken. */
int machined_register_finish(PendingRegistration *p, const BusWait *wait, uint64_t usec, Failure *failure);
PendingRegistration *pending_registration_free(PendingRegistration *p);
DEFINE_CLEANUP(PendingRegistration *, pending_registration_free);

/* 0 also for a machine that machined does not know, and for a machined that does not run. At most five seconds. */
int machined_unregister(sd_bus *bus, const char *name, Failure *failure);

/* The same without waiting for a reply. */
int machined_unregister_send(sd_bus *bus, const char *name);

typedef struct MachineRow {
        char *name, *class, *service, *path;
} MachineRow;
int machined_list(sd_bus *bus, MachineRow **ret, size_t *ret_n, Failure *failure);
void machine_rows_free(MachineRow *rows, size_t n);

/* whom: "leader", "all" or "". */
int machined_kill(sd_bus *bus, const char *name, const char *whom, int sig, Failure *failure);
int machined_terminate(sd_bus *bus, const char *name, Failure *failure);

/* Copies a file or tree between absolute paths of the host and of the machine, however long that takes. replace: also where the
 * file exists. */
int machined_copy(sd_bus *bus, const char *name, const char *from, const char *to, bool to_machine, bool replace,
                  Failure *failure);

/* *ret_pty is the pty's master, non-blocking; the caller closes it. */
int machined_open_login(sd_bus *bus, const char *name, int *ret_pty, Failure *failure);
/* A terminal that nothing uses so far. */
int machined_open_pty(sd_bus *bus, const char *name, int *ret_pty, Failure *failure);
/* user NULL or "": root; path NULL or "": the user's shell, and argv is ignored. */
int machined_open_shell(sd_bus *bus, const char *name, const char *user, const char *path, char *const *argv,
                        char *const *env, int *ret_pty, Failure *failure);

/* Calls handler with each MachineRemoved signal, whose first string is the machine's name. */
int machined_on_removed(sd_bus *bus, sd_bus_message_handler_t handler, void *userdata, sd_bus_slot **ret,
                        Failure *failure);

/* Addresses as text ("10.0.0.5", and with an ifindex > 0 "fe80::1%3"); NULL for a machine that shares the host's network. */
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

/* All properties of a machine, or (name NULL) of machined itself, in the format of bus_properties_text(). */
int machined_properties_text(sd_bus *bus, const char *name, bool all, char ***ret, Failure *failure);
