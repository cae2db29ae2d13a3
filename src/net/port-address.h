/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The address of a machine to which ports of the host are forwarded. */

#include "net/own-links.h"

typedef struct PortAddress {
        bool any;               /* false: no address */
        uint8_t bytes[16];      /* IPv4: the first four */
} PortAddress;

/* Selects the best current address of the machine in this family (AF_INET, AF_INET6): global, not tentative or deprecated, of
 * the first interface, and one to which the host routes packets by a link of the machine (own_links_read()). The sockets are in
 * the network namespaces of machine and host. 0 or negative errno. */
int port_address_find(int container_rtnl, int host_rtnl, const OwnLinks *own, int family, PortAddress *ret);
