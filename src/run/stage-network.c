/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The stages that create the machine's links and forward ports of the host to it. The supervisor, as root of the host. */

#include "run/stage.h"

int stage_network_up(Machine *m, Failure *failure)
{
        const LinkPlan *links = &m->plan.network.links;

        return links->n > 0 ? links_up(links, m->name, m->network.netns_fd, &m->network.links, failure) : 0;
}

void stage_network_down(Machine *m)
{
        links_down(&m->plan.network.links, &m->network.links);
        m->network.links = (Links) LINKS_NULL;
}

int stage_ports_up(Machine *m, Failure *failure)
{
        const PortTarget target = { .machine = m->name, .netns_fd = m->network.netns_fd };

        return m->plan.network.n_ports > 0 ? port_forward_new(&m->plan.network, &target, &m->network.ports, failure) : 0;
}

void stage_ports_down(Machine *m)
{
        m->network.ports = port_forward_free(m->network.ports);
}
