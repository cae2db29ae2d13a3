/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Port=: ports of the host that lead to the machine, by destination NAT in an nftables table of the machine's own,
 * box-NAME. The rules follow the machine's addresses: its first global one of either family, whenever that changes. The
 * supervisor, with CAP_NET_ADMIN, also while the machine runs.
 */

#include <systemd/sd-event.h>

#include "net/network-plan.h"
#include "util/failure.h"

typedef struct PortForward PortForward;

typedef struct PortTarget {
        const char *machine;
        int netns_fd;           /* its network namespace */
        const char *lock_dir;   /* NULL: /run/box/ports */
} PortTarget;

/* Takes the ports (one machine a port: -EBUSY, and the failure names the other) and makes the table. p outlives it. */
int port_forward_new(const NetworkPlan *p, const PortTarget *t, PortForward **ret, Failure *failure);

/* Follows the machine's addresses on the loop, from now on, until port_forward_detach(). */
int port_forward_attach(PortForward *f, sd_event *event);
void port_forward_detach(PortForward *f);

/* Sets the rules for the addresses that the machine has now. */
int port_forward_update(PortForward *f, Failure *failure);

/* Takes the rules and the table away, and gives the ports back. NULL is fine. */
PortForward *port_forward_free(PortForward *f);
