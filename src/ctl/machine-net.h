/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A look into a machine's network namespace from outside, by netlink sockets of the host's root. */

#include <sys/types.h>

#include "util/macro.h"

/* A netlink socket of this protocol in the network namespace of a process, bound to these multicast groups. It does not
 * block. The descriptor, or negative errno. */
int machine_net_open(pid_t leader, int protocol, uint32_t groups);

/* The groups of an NETLINK_ROUTE socket for addresses that come and go. */
uint32_t machine_net_address_groups(void);

/* Asks for all addresses. Their messages come among those of the groups. */
int machine_net_ask_addresses(int fd);

/* Reads what has come. 1: there is an address that others can reach; 0: not among these; negative errno. */
int machine_net_take_addresses(int fd);

/* Does something listen on this TCP port? Of a NETLINK_SOCK_DIAG socket. 1, 0 or negative errno. */
int machine_net_listens(int fd, uint16_t port);
