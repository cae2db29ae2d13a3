/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Between link.c, which goes through a plan, and the files that know one kind of link each. For nobody else.
 */

#include "net/link.h"
#include "net/rtnl.h"
#include "util/lock-file.h"

/* Whose links they are. */
typedef struct LinkTarget {
        const char *machine;
        int netns_fd;
} LinkTarget;

typedef struct LinkMethods {
        bool needs_container_rtnl;      /* up and down need Links.container_rtnl: the link is removed from the namespace */

        /* Makes the link; what is there to be undone then, also after a failure, is recorded (link_record()). */
        int (*up)(const LinkOp *op, const LinkTarget *to, Links *l, Failure *failure);

        /* Takes away what up has recorded. What can't be is told. */
        void (*down)(const LinkOp *op, const LinkDone *d, const Links *l);
} LinkMethods;

extern const LinkMethods link_veth;             /* link-veth.c */
extern const LinkMethods link_macvlan;          /* link-macvlan.c: ipvlans too */
extern const LinkMethods link_move;             /* link-move.c */

/*
 * link-zone.c: bridges that are there while they have members. Between the lock and its release nobody else who keeps it
 * makes or removes one.
 */
int link_zone_lock(const LinkOp *op, const Links *l, LockFile *ret, Failure *failure);
int link_zone_bridge(const LinkOp *op, const Links *l, RtnlLink *ret, Failure *failure);        /* makes it where it is missing */
void link_zone_remove_empty(const LinkOp *op, const Links *l);

/* "FILE:LINE: " where the op was asked for, "" where it is a default. */
const char *link_place(const LinkOp *op, char buf[static SOURCE_TEXT_MAX]);

/* "FILE:LINE: Failed to VERB NAME: why (the kernel's words)" */
int link_failed(const LinkOp *op, int error, const char *verb, const char *name, const char *kernel_text,
                Failure *failure);

/* The host's interface that an op needs to be there, or NULL. */
const char *link_needs(const LinkOp *op);

/* It, looked up again: it may have gone since links_check(). */
int link_find_needed(const LinkOp *op, const Links *l, RtnlLink *ret, Failure *failure);

LinkDone *link_record(Links *l, int ifindex, const char *host_name);

/* link-move.c: the interface that a MOVE op needs, also where it came back from an earlier run of the machine under
 * another name. 0 or -ENODEV. */
int link_find_moved(const LinkOp *op, const char *machine, int rtnl, RtnlLink *ret);

/* Begins IFLA_LINKINFO, which the caller ends. */
struct nlattr *link_begin_kind(struct nlmsghdr *m, const char *kind);

/* By index, or by name where that is 0. */
int link_delete(int rtnl, int ifindex, const char *name);

/* The same, told as a failure of down. That it is gone already is none: the machine may remove it, too. */
void link_remove(int rtnl, int ifindex, const char *name);
