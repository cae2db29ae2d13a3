/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Port= of a running machine. The rules belong to its supervisor, which follows the machine's addresses: it is told the new
 * list on the control socket, with sockets in the machine's network namespace, which it cannot enter itself. Runs in box-run
 * --live, as root.
 */

#include <stdio.h>

#include "control/client.h"
#include "live/live-machine.h"
#include "net/host-port.h"
#include "net/port-forward.h"
#include "util/fd.h"

#define METHOD "io.box.Machine.SetPorts"

static const char *why_not(LiveMachine *m, const LiveChange *c)
{
        _cleanup_close_ int netns = live_machine_open_namespace(m, "net");

        if (netns < 0)
                return "it needs a network of the machine's own";
        return live_machine_may_network(m) ? NULL : "a machine that was started without links and ports has given up the right "
                                                    "to have some";
}

static bool has_port(const Settings *s, const PortSetting *port)
{
        for (size_t i = 0; i < s->n_ports; i++)
                if (s->ports[i].udp == port->udp && s->ports[i].host_port == port->host_port)
                        return true;
        return false;
}

/* A start only warns of a listener, since that may end later. A change is refused: who asked for it can choose another port. */
static int check_listeners(const Settings *from, const Settings *to, Failure *failure)
{
        char who[LISTENER_TEXT_MAX];

        for (size_t i = 0; i < to->n_ports; i++) {
                const PortSetting *p = &to->ports[i];

                if (!has_port(from, p) && host_port_find_listener(p, who))
                        return failure_set_at(failure, p->from, -EBUSY, "Port=%s:%u: %s listens on this port of the host",
                                              p->udp ? "udp" : "tcp", p->host_port, who);
        }
        return 0;
}

/* Before the supervisor finds the same, as it does not know the place of a setting. */
static int check(const LiveMachine *m, Failure *failure)
{
        _cleanup_(problems_done) Problems problems = { 0 };
        int r = host_port_check(&m->plan->network, m->name, NULL, &problems);

        if (r < 0)
                return failure_set(failure, r, "Out of memory");
        if (problems.n_fatal > 0)
                return failure_set(failure, -EBUSY, "%s", problems.items[0].text);
        return check_listeners(m->before, m->after, failure);
}

static void put_ports(const Settings *s, Json *call)
{
        char text[32];

        json_begin_array(call, "ports");
        for (size_t i = 0; i < s->n_ports; i++) {
                const PortSetting *p = &s->ports[i];

                (void) snprintf(text, sizeof(text), "%s:%u:%u", p->udp ? "udp" : "tcp", p->host_port, p->container_port);
                json_put_string(call, NULL, text);
        }
        json_end(call);
}

static int tell(LiveMachine *m, const Settings *s, const PortSockets *sockets, Failure *failure)
{
        const int fds[] = { sockets->rtnl, sockets->events };
        Json *call;
        int r = control_call_begin(METHOD, 0, &call, failure);

        if (r < 0)
                return r;
        put_ports(s, call);
        return live_machine_call(m, METHOD, call, fds, ARRAY_SIZE(fds), failure);
}

static int apply(LiveMachine *m, const LiveChange *c, Settings *to, Failure *failure)
{
        _cleanup_close_ int netns = live_machine_open_namespace(m, "net");
        PortSockets sockets = PORT_SOCKETS_NULL;
        int r;

        if (netns < 0)
                return failure_set(failure, netns, "Failed to open the network namespace of machine '%s': %m", m->name);
        r = to == m->after ? check(m, failure) : 0;
        if (r >= 0)
                r = port_sockets_open(netns, &sockets, failure);
        if (r >= 0)
                r = tell(m, to, &sockets, failure);
        if (r == -ENOTCONN)
                (void) tell(m, to == m->after ? m->before : m->after, &sockets, NULL);
        port_sockets_close(&sockets);
        return r;
}

const LiveApplier live_ports = { why_not, apply, LIVE_SETTING };
