/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Port=: forwards ports of the host to the machine, by destination NAT in the machine's own nftables table box-NAME. The rules
 * follow the machine's first global address of each family while it runs. The supervisor, with CAP_NET_ADMIN on the host.
 */

#include "net/network-plan.h"
#include "util/failure.h"
#include "util/libsystemd.h"

typedef struct PortForward PortForward;

#define PORT_LOCK_DIR "/run/box/.ports"

typedef struct PortTarget {
        const char *machine;
        void (*note)(void *userdata, const char *text);         /* why ports do not work, or ""; NULL: not wanted */
        void *userdata;
        const char *lock_dir;   /* NULL: PORT_LOCK_DIR */
} PortTarget;

/* Netlink sockets in the machine's network namespace. */
typedef struct PortSockets {
        int rtnl;
        int events;             /* notifications about addresses */
} PortSockets;
#define PORT_SOCKETS_NULL { -EBADF, -EBADF }

/* By a helper in the namespace, for which the caller needs CAP_SYS_ADMIN. */
int port_sockets_open(int netns_fd, PortSockets *ret, Failure *failure);
void port_sockets_close(PortSockets *s);

/* Without ports at first. Takes the sockets. */
int port_forward_new(const PortTarget *t, PortSockets *sockets, PortForward **ret, Failure *failure);

/* Forwards these ports and no others: those that are new are locked first, then the table is created if it is not there.
 * -EBUSY: a port belongs to another machine. After a failure all is as it was. What the places of the ports point to must
 * outlive it. */
int port_forward_set(PortForward *f, const PortSetting *ports, size_t n, Failure *failure);

/* Watches the machine's addresses on the event loop, until port_forward_detach(). */
int port_forward_attach(PortForward *f, sd_event *event);
void port_forward_detach(PortForward *f);

/* Sets the rules for the current addresses of the machine. */
int port_forward_update(PortForward *f, Failure *failure);

/* Removes the table with its rules and unlocks the ports. Accepts NULL. */
PortForward *port_forward_free(PortForward *f);

/* Removes lock files that nobody holds. The rules of a killed supervisor go with it. */
void port_forward_remove_left(void);
