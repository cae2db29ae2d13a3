/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Creates and removes the links of a LinkPlan by rtnetlink. The supervisor, with CAP_NET_ADMIN on the host. The host side of a
 * veth pair has the alias "box:MACHINE", by which a stale one is recognized.
 */

#include "net/link-plan.h"
#include "util/failure.h"
#include "util/lock-file.h"

/* An op of the plan that is up. */
typedef struct LinkDone {
        int ifindex;                    /* VETH*: of the host side; others: in the machine's namespace */
        char host_name[IF_NAMESIZE];    /* MOVE: the name to restore */
        char mark[256];                 /* VETH*: the alias of the host side; MOVE: the alias meanwhile; "": it has another one */
        char kind[16];                  /* MOVE: of RtnlLink */
        bool has_altname;               /* MOVE: the plan's container_altname was added */
} LinkDone;

typedef struct Links {
        int host_rtnl;          /* rtnetlink socket in the host's network namespace, open while links are up */
        int container_rtnl;     /* the same in the machine's, which it keeps alive; -EBADF if no link needs it */
        int host_netns;         /* the host's network namespace; -EBADF without container_rtnl */
        const char *zone_lock;  /* not owned; NULL: systemd-nspawn's */
        bool keep_zones;        /* links_down() leaves the bridges of zones to links_remove_zones() */
        LinkDone *done;
        size_t n_done;          /* the first n_done ops of the plan are up */
        int *ifindices;         /* for machined: of the bridge, otherwise of the host side */
        size_t n_ifindices;
} Links;
#define LINKS_NULL { -EBADF, -EBADF, -EBADF, NULL, false, NULL, 0, NULL, 0 }

/* For interfaces that come late in the host's boot. udev: waits until udev has initialized one. change: waits until fd is
 * readable, as there is news of the host's interfaces, while op needs one that is missing; NULL: a missing one is a mistake.
 * Both: 0, -ETIMEDOUT, or an error that ends the check. */
typedef struct LinksWait {
        int (*udev)(void *userdata, int ifindex);
        int (*change)(void *userdata, const LinkOp *op, int fd);
        void *userdata;
} LinksWait;

/* Checks, before anything is changed, that every parent, bridge and interface exists and can be used. wait NULL: nothing is
 * waited for. Mistakes are Problems. Negative errno: netlink failed. */
int links_check(const LinkPlan *p, const char *machine, const LinksWait *wait, Problems *problems);

/* Creates all links of the namespace netns_fd. A name that is in use is an error, but a stale veth pair of this machine is
 * replaced. After a failure, links_down() removes the links so far. */
int links_up(const LinkPlan *p, const char *machine, int netns_fd, Links *l, Failure *failure);

/* One more link of a machine that runs: p, all of which is up, takes *op. Where the caller cannot enter the machine's namespace,
 * container_rtnl and host_netns are set. After a failure p is as it was, and so is the machine. */
int links_add(LinkPlan *p, LinkOp *op, const char *machine, int netns_fd, Links *l, Failure *failure);

/* Removes the link with op's kind and names from the machine and from p. -ENOENT if p has no such link. After a failure all is
 * as it was. */
int links_remove(LinkPlan *p, const LinkOp *op, Links *l);

/* The bridge of op's zone, which is created if it is missing, for a machine that runs: until links_release_zone(), also after a
 * failure, it stays without members, and its machine's supervisor, which has no right to the lock, can make it one. The zone is
 * noted for links_remove_noted_zone(). */
typedef struct LinksZone {
        Links links;
        LockFile lock;
} LinksZone;
#define LINKS_ZONE_NULL { LINKS_NULL, LOCK_FILE_NULL }
int links_hold_zone(const LinkOp *op, const char *machine, LinksZone *ret, Failure *failure);
void links_release_zone(const LinkOp *op, LinksZone *z);

/* At the machine's end: removes the bridges of zones that it has joined while it ran, if they have no members. */
void links_remove_noted_zone(const char *machine);

/* Makes the host side of the veth pair of a machine that runs a port of op's bridge, instead of another one's. */
int links_set_bridge(const LinkOp *op, Failure *failure);

/* Moves interfaces back under their old names and removes the other links, and a zone's bridge with its last member. Returns when
 * the kernel is done, so that names and addresses are free for a new start at once. */
void links_down(const LinkPlan *p, Links *l);

/* Removes the bridges of zones that have no members, by a socket of its own. */
void links_remove_zones(const LinkPlan *p);
bool links_have_zone(const LinkPlan *p);

/* For the child, in the machine's network namespace. */
int links_loopback_up(Failure *failure);
