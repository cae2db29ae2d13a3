/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Makes and removes the links of a LinkPlan by rtnetlink. The supervisor, with CAP_NET_ADMIN on the host. Our side of a
 * veth carries the alias "box:NAME", so that a stale one of ours is known from somebody else's.
 */

#include "net/link-plan.h"
#include "util/failure.h"

/* An op of the plan that has been done. */
typedef struct LinkDone {
        int ifindex;                    /* VETH*: our side's; else in the machine's namespace */
        char host_name[IF_NAMESIZE];    /* MOVE: the name that it gets back */
        char mark[256];                 /* MOVE: the alias that it has meanwhile; "": it has one of its own */
        char kind[16];                  /* MOVE: of RtnlLink */
} LinkDone;

typedef struct Links {
        int host_rtnl;          /* rtnetlink sockets, open while links are up: in the host's network namespace */
        int container_rtnl;         /* and in the machine's, for what has to be taken out of it again; keeps that
                                 * namespace alive. -EBADF where nothing has */
        int host_netns;         /* the host's namespace; as container_rtnl */
        const char *zone_lock;  /* not owned; NULL: systemd-nspawn's */
        LinkDone *done;
        size_t n_done;          /* how many ops of the plan are up, from the first on */
        int *ifindices;         /* what machined is told: the bridge's, else our side's */
        size_t n_ifindices;
} Links;
#define LINKS_NULL { -EBADF, -EBADF, -EBADF, NULL, NULL, 0, NULL, 0 }

/* Checks that every named parent, bridge and interface is there and can be used so, before anything is changed; waits
 * for udev (udev_dir NULL: /run/udev) to have finished with it. What is wrong is a Problem; negative errno where the
 * kernel can't be asked. */
int links_check(const LinkPlan *p, const char *machine, const char *udev_dir, Problems *problems);

/* Makes all links into the namespace that netns_fd is. A stale link of this machine's name with our alias is replaced;
 * anybody else's is an error. A zone's bridge is made with its first member. What was made before a failure is left for
 * links_down(). The caller has one thread: it visits the machine's namespace for a moment. */
int links_up(const LinkPlan *p, const char *machine, int netns_fd, Links *l, Failure *failure);

/* Moves interfaces back under their old names and removes the other links, and a zone's bridge with its last member. Returns when
 * the kernel is done, so that names and addresses are free for a new start at once. */
void links_down(const LinkPlan *p, Links *l);

/* Inside the machine's network namespace (the child): lo goes up. */
int links_loopback_up(Failure *failure);
