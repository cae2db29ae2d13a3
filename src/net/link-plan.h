/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Which network links a machine gets: names, MAC addresses, parents. Pure: host facts (interface indices) come in by
 * LinkPlan's caller.
 */

#include <net/if.h>
#include <stdio.h>
#include <sys/types.h>

#include "config/problem.h"

typedef enum LinkKind {
        LINK_VETH,              /* the pair: host side, inner side */
        LINK_VETH_EXTRA,        /* one more pair, left to others to configure */
        LINK_MACVLAN,           /* on parent, bridge mode */
        LINK_IPVLAN,            /* on parent, L2 mode */
        LINK_MOVE,              /* an interface of the host, given back at the end */
} LinkKind;

typedef struct LinkOp {
        LinkKind kind;
        char *host_name;                /* VETH*: our side; *VLAN: the parent; MOVE: its name on the host. But for VETH*
                                         * it may be an alternative name, longer than IF_NAMESIZE */
        char *host_altname;             /* VETH: the full name where host_name had to be cut; NULL */
        char container_name[IF_NAMESIZE];   /* MOVE: "" or the same as host_name: it keeps its name */
        uint8_t host_mac[6];            /* VETH* */
        uint8_t container_mac[6];           /* VETH*, MACVLAN */
        char *bridge;                   /* VETH: the bridge that our side joins; NULL */
        bool zone;                      /* the bridge is a zone's, there while it has members */
        Source from;
} LinkOp;

typedef struct LinkPlan {
        LinkOp *ops;
        size_t n;
} LinkPlan;

void link_plan_done(LinkPlan *p);

/* host_id: the host's machine id, which MAC addresses derive from (as systemd-nspawn's do: leases stay the same).
 * Wrong or duplicate names are Problems; -ENOMEM the only failure. */
int link_plan_make(const Settings *s, const char *machine, const uint8_t host_id[static 16], LinkPlan *ret,
                   Problems *problems);

/* The steps as lines of the dry run's text, each "  veth ve-x (MAC) <-> host0 (MAC), bridge br0". */
int link_plan_print(const LinkPlan *p, FILE *f);

/* Has it one end on the host, and one in the machine? */
static inline bool link_op_is_veth(const LinkOp *op)
{
        return op->kind == LINK_VETH || op->kind == LINK_VETH_EXTRA;
}

/* The setting that asks for the link, as messages begin: "MACVLAN=". */
const char *link_op_setting(const LinkOp *op);

/* Pure parts, tested against systemd's. */
void link_mac(const uint8_t host_id[static 16], const char *machine, const uint8_t key[static 16], uint64_t index,
              uint8_t ret[static 6]);
/* prefix + machine, cut to 15 characters by systemd's rule (11 + 4 of a hash); *ret_cut tells whether it was.
 * Reads no more than LINK_FULL_NAME_MAX characters of the two together. */
#define LINK_FULL_NAME_MAX 159
void link_name(const char *prefix, const char *machine, char ret[static IF_NAMESIZE], bool *ret_cut);
