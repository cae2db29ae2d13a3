/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * VirtualEthernetExtra=, MACVLAN=, IPVLAN= and Interface= of a running machine: its supervisor, which removes its links at the
 * end, adds and removes them, with a socket in the machine's network namespace, which it cannot enter itself. Bridge= is changed
 * here, as nothing of it is undone at the end. Runs in box-run --live, as root.
 */

#include <string.h>

#include "control/client.h"
#include "live/live-machine.h"
#include "net/link.h"
#include "net/port-forward.h"
#include "util/fd.h"

/* ---- links ------------------------------------------------------------------------------------------------------------ */

static const char *why_not(LiveMachine *m, const LiveChange *c)
{
        _cleanup_close_ int netns = live_machine_open_namespace(m, "net");

        if (netns < 0 || m->before->namespace_path)
                return "it needs a network of the machine's own";
        return live_machine_may_network(m) ? NULL : "a machine that was started without links and ports has given up the right "
                                                    "to have some";
}

/* Does its parent, or the interface, exist, and can it be used? */
static int check(const LiveMachine *m, const LiveValue *v, Failure *failure)
{
        _cleanup_(problems_done) Problems problems = { 0 };
        _cleanup_(settings_done) Settings s;
        char reason[SETTING_REASON_MAX] = "";
        LinkPlan plan = { 0 };
        int r;

        settings_init(&s);
        r = v->row->parse(v->row, v->text, v->from, &s, reason);
        if (r >= 0)
                r = link_plan_make(&s, m->name, m->host->machine_id, &plan, &problems);
        if (r >= 0)
                r = links_check(&plan, m->name, NULL, &problems);
        link_plan_done(&plan);
        if (problems.n_fatal > 0)
                return failure_set(failure, -EINVAL, "%s", problems.items[0].text);
        return r < 0 ? failure_set_at(failure, v->from, r, "%s=%s: %m", v->row->key, v->text) : 0;
}

static int call(const LiveMachine *m, const char *method, const LiveValue *v, int rtnl, int host_netns, Failure *failure)
{
        const int fds[] = { rtnl, host_netns };
        Json *j;
        int r = control_call_begin(method, 0, &j, failure);

        if (r < 0)
                return r;
        json_put_string(j, "setting", v->row->key);
        json_put_string(j, "value", v->text);
        return live_machine_call(m, method, j, fds, ARRAY_SIZE(fds), failure);
}

static int apply(LiveMachine *m, const LiveChange *c, Settings *to, Failure *failure)
{
        _cleanup_close_ int netns = live_machine_open_namespace(m, "net");
        _cleanup_close_ int host = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
        const LiveValue *v = c->after ?: c->before;
        PortSockets sockets = PORT_SOCKETS_NULL;
        Failure why = { 0 };
        int r;

        if (netns < 0 || host < 0)
                return failure_set(failure, netns < 0 ? netns : -errno, "Failed to open the network namespace of machine "
                                   "'%s': %m", m->name);
        r = c->after ? check(m, c->after, failure) : 0;
        if (r >= 0)
                r = port_sockets_open(netns, &sockets, failure);
        if (r < 0)
                return r;
        r = call(m, c->after ? "io.box.Machine.AddLink" : "io.box.Machine.RemoveLink", v, sockets.rtnl, host, &why);
        port_sockets_close(&sockets);
        return r < 0 ? failure_set_at(failure, v->from, r, "%s=%s: %s", v->row->key, v->text, why.text) : 0;
}

const LiveApplier live_links = { why_not, apply, LIVE_ONE };

/* ---- Bridge= ---------------------------------------------------------------------------------------------------------- */

static const char *why_not_bridge(LiveMachine *m, const LiveChange *c)
{
        return c->before && c->after ? NULL : "the interface on the host gets another name with a bridge";
}

static int apply_bridge(LiveMachine *m, const LiveChange *c, Settings *to, Failure *failure)
{
        _cleanup_(problems_done) Problems problems = { 0 };
        LinkPlan plan = { 0 };
        int r = link_plan_make(to, m->name, m->host->machine_id, &plan, &problems);

        for (size_t i = 0; r >= 0 && i < plan.n; i++) {
                const LinkPlan one = { &plan.ops[i], 1 };

                if (plan.ops[i].kind != LINK_VETH)
                        continue;
                r = links_check(&one, m->name, NULL, &problems);
                if (r >= 0 && problems.n_fatal == 0)
                        r = links_set_bridge(&plan.ops[i], failure);
        }
        link_plan_done(&plan);
        if (problems.n_fatal > 0)
                return failure_set(failure, -EINVAL, "%s", problems.items[0].text);
        return r < 0 ? failure_set_at(failure, c->after->from, r, "Bridge=%s: %m", c->after->text) : 0;
}

const LiveApplier live_bridge = { why_not_bridge, apply_bridge, LIVE_ONE };
