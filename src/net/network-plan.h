/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The network of a machine: the host's, a private one with these links, or an existing namespace; and its forwarded ports.
 * Pure.
 */

#include "net/link-plan.h"

typedef struct NetworkPlan {
        bool is_private;                /* decides CAP_NET_ADMIN, /proc/sys/net and /sys/class/net */
        char *namespace_path;           /* an existing namespace to join, a path on the host; NULL */
        Source namespace_from;
        LinkPlan links;
        PortSetting *ports;
        size_t n_ports;
} NetworkPlan;

void network_plan_done(NetworkPlan *p);

/* Is a new network namespace created for the machine? */
bool network_plan_is_new(const NetworkPlan *p);

/* host_id: as for link_plan_make(). mac: six bytes, replaces the derived address of the veth pair's container side; NULL.
 * Conflicting settings are Problems; -ENOMEM is the only error. */
int network_plan_make(const Settings *s, const char *machine, const uint8_t host_id[static 16], const uint8_t *mac,
                      NetworkPlan *ret, Problems *problems);

int network_plan_print(const NetworkPlan *p, FILE *f);
