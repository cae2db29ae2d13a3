/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What network a machine has: the host's, one of its own with these links, or one that is there already; and which ports
 * of the host lead to it. Pure.
 */

#include "net/link-plan.h"

typedef struct NetworkPlan {
        bool is_private;                /* its own to configure: CAP_NET_ADMIN, /proc/sys/net and what /sys shows go by this */
        char *namespace_path;           /* a namespace to join, as a path on the host; NULL */
        Source namespace_from;
        LinkPlan links;
        PortSetting *ports;
        size_t n_ports;
} NetworkPlan;

void network_plan_done(NetworkPlan *p);

/* A new namespace is made for the machine. */
bool network_plan_is_new(const NetworkPlan *p);

/* host_id: as for link_plan_make(). mac: the inner address of the veth, six bytes, in place of the derived one; NULL.
 * Keys that exclude each other are Problems; -ENOMEM the only failure. */
int network_plan_make(const Settings *s, const char *machine, const uint8_t host_id[static 16], const uint8_t *mac,
                      NetworkPlan *ret, Problems *problems);

int network_plan_print(const NetworkPlan *p, FILE *f);
