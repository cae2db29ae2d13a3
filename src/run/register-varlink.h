/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Registration with systemd-machined by Varlink, which can tell it more than D-Bus can: the address of the control socket
 * (systemd 261) and that of sshd (257). Two calls are sent in one go, the second without what a machined before 261 does not
 * know and refuses: so it costs no second round.
 */

#include "bus/machined.h"
#include "control/client.h"

#define MACHINED_SOCKET "/run/systemd/machine/io.systemd.Machine"

typedef struct VarlinkAddresses {
        const char *control;            /* a path */
        const char *ssh;                /* "unix/PATH" */
} VarlinkAddresses;

/* Both calls, each with its NUL. Pure. *ret_size has the size; the caller frees the result. NULL: no memory. */
char *register_varlink_calls(const MachineRegistration *reg, const VarlinkAddresses *addresses, size_t *ret_size);

/* Sends them, without waiting. socket NULL: MACHINED_SOCKET. -ENOENT, -ECONNREFUSED: machined has no such socket. */
int register_varlink_start(const char *socket, const MachineRegistration *reg, const VarlinkAddresses *addresses,
                           ControlClient **ret);

/* Takes the answers that are there. 1: the machine is registered; 0: further ones are awaited; negative: it is not registered. */
int register_varlink_take(ControlClient *c);
