/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The network links that a machine gets: names, MAC addresses, parents. Pure: it looks up no interface. */

#include <net/if.h>
#include <stdio.h>
#include <sys/types.h>

#include "config/problem.h"

typedef enum LinkKind {
        LINK_VETH,              /* the veth pair between host and container */
        LINK_VETH_EXTRA,        /* another veth pair; the administrator configures its host side */
        LINK_MACVLAN,           /* on a parent, bridge mode */
        LINK_IPVLAN,            /* on a parent, L2 mode */
        LINK_MOVE,              /* an interface of the host, returned at the end */
} LinkKind;

typedef struct LinkOp {
        LinkKind kind;
        char *host_name;                /* VETH*: the host side; *VLAN: the parent; MOVE: the name on the host. Except for
                                         * VETH* it may be an alternative name, longer than IF_NAMESIZE */
        char *host_altname;             /* VETH*: the full name if host_name was shortened; NULL */
        char container_name[IF_NAMESIZE];   /* MOVE: "" or host_name: the name is kept */
        char *container_altname;        /* the full name if container_name was shortened; NULL */
        uint8_t host_mac[6];            /* VETH* */
        uint8_t container_mac[6];           /* VETH*, MACVLAN */
        char *bridge;                   /* VETH: the bridge of the host side; NULL. May be an alternative name without zone */
        char *bridge_altname;           /* of a zone: the full name if bridge was shortened; NULL */
        bool zone;                      /* the bridge belongs to a zone and exists while it has members */
        Source from;
} LinkOp;

typedef struct LinkPlan {
        LinkOp *ops;
        size_t n;
} LinkPlan;

void link_op_done(LinkOp *op);
void link_plan_done(LinkPlan *p);

/* host_id: the host's machine ID, from which MAC addresses are derived, as by systemd-nspawn. Invalid or duplicate names are
 * Problems; -ENOMEM is the only error. */
int link_plan_make(const Settings *s, const char *machine, const uint8_t host_id[static 16], LinkPlan *ret,
                   Problems *problems);

/* For one more link beside those of p: gives it the first address of its kind that none of them has. */
void link_plan_readdress(const LinkPlan *p, const char *machine, const uint8_t host_id[static 16], LinkOp *op);

/* For --dry-run: a line for each link, as "  veth ve-x (MAC) <-> host0 (MAC), bridge br0". */
int link_plan_print(const LinkPlan *p, FILE *f);

static inline bool link_op_is_veth(const LinkOp *op)
{
        return op->kind == LINK_VETH || op->kind == LINK_VETH_EXTRA;
}

/* The setting of the link, for messages: "MACVLAN=". */
const char *link_op_setting(const LinkOp *op);

/* index 0 is not hashed. */
void link_mac(const uint8_t host_id[static 16], const char *machine, const uint8_t key[static 16], uint64_t index,
              uint8_t ret[static 6]);
/* prefix + machine; if it is too long, 11 characters of it and 4 of a hash, as in systemd, and *ret_cut is set. Uses at most
 * LINK_FULL_NAME_MAX characters. */
#define LINK_FULL_NAME_MAX 159
void link_name(const char *prefix, const char *machine, char ret[static IF_NAMESIZE], bool *ret_cut);
