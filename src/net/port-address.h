/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The address of a machine that ports of the host lead to. */

#include "util/macro.h"

typedef struct PortAddress {
        bool any;               /* there is one */
        uint8_t bytes[16];      /* IPv4: the first four */
} PortAddress;

/* The best address of this family (AF_INET, AF_INET6) that the machine has now: global, in use and not about to go, of the
 * first interface, and no address of the host's own. container_rtnl: a socket in the machine's network namespace, host_rtnl in
 * the host's. 0 or negative errno. */
int port_address_find(int container_rtnl, int host_rtnl, int family, PortAddress *ret);
