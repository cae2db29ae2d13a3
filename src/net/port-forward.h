/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Port=: forwards ports of the host to the machine, by destination NAT in the machine's own nftables table box-NAME. The rules
 * follow the machine's first global address of each family while it runs. The supervisor, with CAP_NET_ADMIN on the host.
 */

#include <systemd/sd-event.h>

#include "net/network-plan.h"
#include "util/failure.h"

typedef struct PortForward PortForward;

#define PORT_LOCK_DIR "/run/box/.ports"

typedef struct PortTarget {
        const char *machine;
        void (*note)(void *userdata, const char *text);         /* why ports do not work, or ""; NULL: not wanted */
        void *userdata;
        int netns_fd;           /* its network namespace */
        const char *lock_dir;   /* NULL: PORT_LOCK_DIR */
} PortTarget;

/* Locks the ports and creates the table. -EBUSY: a port belongs to another machine. p must outlive it. */
int port_forward_new(const NetworkPlan *p, const PortTarget *t, PortForward **ret, Failure *failure);

/* Watches the machine's addresses on the event loop, until port_forward_detach(). */
int port_forward_attach(PortForward *f, sd_event *event);
void port_forward_detach(PortForward *f);

/* Sets the rules for the current addresses of the machine. */
int port_forward_update(PortForward *f, Failure *failure);

/* Removes the table with its rules and unlocks the ports. Accepts NULL. */
PortForward *port_forward_free(PortForward *f);

/* Removes lock files that nobody holds. The rules of a killed supervisor go with it. */
void port_forward_remove_left(void);
