/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The supervisor's end of the machine's control socket: which methods there are, and the machine's events. It acts by the
 * functions that the supervisor gives it.
 */

#include "control/server.h"
#include "run/machine-console.h"

/* userdata is the supervisor's. */
typedef struct ControlActions {
        const char *(*state)(void *userdata);                           /* "starting", "running", "paused", "stopping" */
        int (*power_off)(void *userdata, Failure *failure);
        int (*reboot)(void *userdata, Failure *failure);                /* -EOPNOTSUPP: this payload cannot be asked */
        void (*terminate)(void *userdata);
        int (*pause)(void *userdata, bool on, Failure *failure);
        void (*idle)(void *userdata);                                   /* the last client has gone */
        MachineConsole *(*console)(void *userdata);                     /* NULL: it has none */
        int (*change_link)(void *userdata, bool add, SettingId id, const char *value, int fds[static 2], Failure *failure);
        int (*set_ports)(void *userdata, const PortSetting *ports, size_t n, PortSockets *sockets, Failure *failure);
} ControlActions;

typedef struct MachineControl MachineControl;

/* *ret is NULL if the machine has no socket (m->control_fd). */
int machine_control_new(Machine *m, sd_event *event, const ControlActions *actions, void *userdata, MachineControl **ret);
MachineControl *machine_control_free(MachineControl *c);

/* Tells all who have subscribed. c may be NULL. */
void machine_control_event(MachineControl *c, const char *event);

/* The last event. */
void machine_control_end(MachineControl *c, const char *event);

/* The tables, for their test. */
extern const ControlService machine_control_service;
