/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Makes and removes the links of a LinkPlan by rtnetlink (libmnl). The supervisor, with CAP_NET_ADMIN on the host.
 * Each link carries the alias "box:NAME", so that a stale one of ours is known from somebody else's.
 */

#include "container/link-plan.h"
#include "util/failure.h"

typedef struct Links {
        int host_rtnl;          /* NETLINK_ROUTE socket in the host's network namespace */
        int inner_rtnl;         /* one in the machine's, to give moved interfaces back; -EBADF without any */
        int host_netns;         /* the host's namespace */
        size_t n_done;          /* how many ops of the plan are up */
        int *moved;             /* ifindex inside, by op; 0 */
        int *ifindices;         /* what machined is told: the bridge's, else our side's */
        size_t n_ifindices;
} Links;
#define LINKS_NULL { -EBADF, -EBADF, -EBADF, 0, NULL, NULL, 0 }

/* Checks that every named parent, bridge and interface is there, before anything is changed. */
int links_check(const LinkPlan *p, Problems *problems);

/* Makes all links into the namespace that netns_fd is. A stale link of this machine's name with our alias is replaced;
 * anybody else's is an error. What was made before a failure is left for links_down(). */
int links_up(const LinkPlan *p, const char *machine, int netns_fd, Links *l, Failure *failure);

/* Gives moved interfaces back under their old names, removes our veths; waits until the kernel has done it, so that a
 * start at once finds the names free. */
void links_down(const LinkPlan *p, Links *l);

/* Inside the machine's network namespace (the child): lo goes up. */
int links_loopback_up(Failure *failure);
