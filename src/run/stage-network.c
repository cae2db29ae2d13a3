/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The stages that create the machine's links and forward ports of the host to it. The supervisor, as root of the host. */

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>

#include "config/settings-table.h"
#include "payload/machine-state.h"
#include "run/keeper.h"
#include "run/stage.h"
#include "util/fd.h"
#include "util/log.h"

static int open_namespace(Machine *m, Failure *failure)
{
        char path[64];

        if (!(m->plan.namespaces & CLONE_NEWNET))
                return 0;
        (void) snprintf(path, sizeof(path), "/proc/%d/ns/net", m->child.leader.pid);
        m->network.netns_fd = open(path, O_RDONLY | O_CLOEXEC);
        if (m->network.netns_fd < 0)
                return failure_set(failure, -errno, "Failed to open the network namespace of machine '%s': %m", m->name);
        return 0;
}

int stage_network_up(Machine *m, Failure *failure)
{
        const LinkPlan *links = &m->plan.network.links;
        int r;

        r = stage_child_wait(m, SYNC_BORN, failure);
        if (r >= 0)
                r = open_namespace(m, failure);
        if (r < 0)
                return r;
        return links->n > 0 ? links_up(links, m->name, m->network.netns_fd, &m->network.links, failure) : 0;
}

void stage_network_down(Machine *m)
{
        m->network.links.keep_zones = m->keeper.pid > 0;
        links_down(&m->plan.network.links, &m->network.links);
        keeper_undo_zones(m);
        m->network.links = (Links) LINKS_NULL;
}

static void note(void *userdata, const char *text)
{
        const Machine *m = userdata;
        int r = machine_state_set_note(NULL, m->name, text);

        if (r < 0)
                log_debug(r, "Failed to write the note of machine '%s': %m", m->name);
}

int machine_set_ports(Machine *m, const PortSetting *ports, size_t n, PortSockets *sockets, Failure *failure)
{
        const PortTarget target = { .machine = m->name, .note = note, .userdata = m };
        bool is_new = !m->network.ports;
        int r = is_new ? port_forward_new(&target, sockets, &m->network.ports, failure) : 0;

        if (r >= 0)
                r = port_forward_set(m->network.ports, ports, n, failure);
        if (r < 0 ? is_new : n == 0)
                stage_ports_down(m);
        return r;
}

int machine_change_link(Machine *m, bool add, SettingId id, const char *value, int fds[static 2], Failure *failure)
{
        LinkPlan *plan = &m->plan.network.links, one = {};
        char reason[SETTING_REASON_MAX] = "";
        const SettingRow *row = settings_table_row(id);
        Failure why = {};
        Links *l = &m->network.links;
        _cleanup_(problems_done) Problems problems = {};
        _cleanup_(settings_done) Settings s;
        int r;

        settings_init(&s);
        r = row->parse(row, value, (Source) {}, &s, reason);
        if (r >= 0)
                r = link_plan_make(&s, m->name, m->facts.host.machine_id, &one, &problems);
        if (r < 0 || one.n != 1) {
                link_plan_done(&one);
                return failure_set(failure, r == -ENOMEM ? r : -EINVAL, "%s=%s: %s", row->key, value, *reason ? reason :
                                   "not one link");
        }
        if (l->container_rtnl < 0) {
                l->container_rtnl = TAKE_FD(fds[0]);
                l->host_netns = TAKE_FD(fds[1]);
        }
        /* The client has the lock of the zone. */
        l->keep_zones = true;
        link_plan_readdress(plan, m->name, m->facts.host.machine_id, &one.ops[0]);
        r = add ? links_add(plan, &one.ops[0], m->name, m->network.netns_fd, l, failure) : links_remove(plan, &one.ops[0], l);
        link_plan_done(&one);
        if (r < 0)
                return failure_set(failure, r, "%s=%s: %m", row->key, value);
        if (machine_write_state(m, &why) < 0)
                log_warning(0, "%s, ignoring", why.text);
        return 0;
}

int stage_ports_up(Machine *m, Failure *failure)
{
        const NetworkPlan *p = &m->plan.network;
        PortSockets sockets = PORT_SOCKETS_NULL;
        int r;

        /* Of a supervisor that was killed. */
        note(m, "");
        if (p->n_ports == 0)
                return 0;
        r = port_sockets_open(m->network.netns_fd, &sockets, failure);
        if (r >= 0)
                r = machine_set_ports(m, p->ports, p->n_ports, &sockets, failure);
        port_sockets_close(&sockets);
        return r;
}

void stage_ports_down(Machine *m)
{
        if (m->network.ports)
                note(m, "");
        m->network.ports = port_forward_free(m->network.ports);
}
