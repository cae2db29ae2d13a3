/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Internal to src/net/link*.c: link.c applies a plan, each of the other files implements one kind of link. */

#include "net/link.h"
#include "net/rtnl.h"
#include "util/lock-file.h"

typedef struct LinkTarget {
        const char *machine;
        int netns_fd;
} LinkTarget;

typedef struct LinkMethods {
        bool needs_container_rtnl;      /* up and down need Links.container_rtnl: the link is removed from the namespace */

        /* Creates the link. Records with link_record() what down has to undo, also after a failure. */
        int (*up)(const LinkOp *op, const LinkTarget *to, Links *l, Failure *failure);

        /* Undoes what up recorded. Logs failures, and returns them: the link may be there. */
        int (*down)(const LinkOp *op, const LinkDone *d, const Links *l);
} LinkMethods;

extern const LinkMethods link_veth;             /* link-veth.c */
extern const LinkMethods link_macvlan;          /* link-macvlan.c: ipvlans too */
extern const LinkMethods link_move;             /* link-move.c */

/* link-zone.c: bridges that exist while they have members. The lock must be held: box and systemd-nspawn create and remove
 * them under it only. link_zone_bridge() creates a missing bridge. */
int link_zone_lock(const LinkOp *op, const Links *l, LockFile *ret, Failure *failure);
int link_zone_bridge(const LinkOp *op, const Links *l, RtnlLink *ret, Failure *failure);
void link_zone_remove_empty(const LinkOp *op, const Links *l);

/* The same, and takes the lock. */
void link_zone_down(const LinkOp *op, const Links *l);

/* "FILE:LINE: " of the setting, "" for a default. */
const char *link_place(const LinkOp *op, char buf[static SOURCE_TEXT_MAX]);

/* "FILE:LINE: Failed to VERB NAME: reason (the kernel's explanation)" */
int link_failed(const LinkOp *op, int error, const char *verb, const char *name, const char *kernel_text,
                Failure *failure);

/* The interface of the host that an op requires, or NULL. */
const char *link_needs(const LinkOp *op);

/* Looks it up again: it may be gone since links_check(). */
int link_find_needed(const LinkOp *op, const Links *l, RtnlLink *ret, Failure *failure);

LinkDone *link_record(Links *l, int ifindex, const char *host_name);

/* link-move.c: the interface of a MOVE op, also if it returned under another name from an earlier run of the machine.
 * 0 or -ENODEV. */
int link_find_moved(const LinkOp *op, const char *machine, int rtnl, RtnlLink *ret);

/* Adds the full name of an interface whose name was shortened. Optional: a failure is logged. */
void link_set_altname(int rtnl, const char *name, const char *altname);

/* Begins IFLA_LINKINFO, which the caller ends. */
struct nlattr *link_begin_kind(struct nlmsghdr *m, const char *kind);

/* By index, or by name if ifindex is 0. */
int link_delete(int rtnl, int ifindex, const char *name);

/* The same, but logs a failure. A missing link is no failure: the payload may have removed it. */
int link_remove(int rtnl, int ifindex, const char *name);
