/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The interfaces of the host that lead to a machine: the host side of a veth pair, the parent of a macvlan or ipvlan, the
 * bridge that such an interface is a port of. Found by the interfaces that the machine has now, also those of NamespacePath=.
 */

#include "util/macro.h"

/* Only the administrator gives a machine interfaces that lead to the host. */
enum { OWN_LINKS_MAX = 32 };

typedef struct OwnLink {
        int ifindex;
        bool is_shared;         /* others may be reached by it, too: a parent or a bridge */
} OwnLink;

typedef struct OwnLinks {
        OwnLink items[OWN_LINKS_MAX];
        size_t n;
} OwnLinks;

/* The sockets are in the network namespaces of machine and host; the caller is in the host's. 0 or negative errno. */
int own_links_read(int container_rtnl, int host_rtnl, OwnLinks *ret);

/* Does this interface of the host lead to the machine? Interfaces on top of its links (VLANs, the host's own macvlans) do, too.
 * NULL: no. */
const OwnLink *own_links_find(const OwnLinks *own, int host_rtnl, int ifindex);
