/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Links of a running machine: its supervisor, which removes its links at the end, adds and removes them, with a socket in the
 * machine's network namespace, which it cannot enter itself. Bridges of zones, to whose lock it has no right, are made and
 * removed here, and another bridge is set here. Runs in box-run --live, as root.
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

/* Has the supervisor add or remove the link of a value. */
static int tell(LiveMachine *m, bool add, const LiveValue *v, Failure *failure)
{
        _cleanup_close_ int netns = live_machine_open_namespace(m, "net");
        _cleanup_close_ int host = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
        PortSockets sockets = PORT_SOCKETS_NULL;
        Failure why = { 0 };
        int r;

        if (netns < 0 || host < 0)
                return failure_set(failure, netns < 0 ? netns : -errno, "Failed to open the network namespace of machine "
                                   "'%s': %m", m->name);
        r = port_sockets_open(netns, &sockets, failure);
        if (r < 0)
                return r;
        r = call(m, add ? "io.box.Machine.AddLink" : "io.box.Machine.RemoveLink", v, sockets.rtnl, host, &why);
        if (r == -ENOTCONN)
                (void) call(m, add ? "io.box.Machine.RemoveLink" : "io.box.Machine.AddLink", v, sockets.rtnl, host, NULL);
        port_sockets_close(&sockets);
        return r < 0 ? failure_set_at(failure, v->from, r, "%s=%s: %s", v->row->key, v->text, why.text) : 0;
}

static int apply(LiveMachine *m, const LiveChange *c, Settings *to, Failure *failure)
{
        int r = c->after ? check(m, c->after, failure) : 0;

        return r < 0 ? r : tell(m, c->after, c->after ?: c->before, failure);
}

const LiveApplier live_links = { why_not, apply, LIVE_ONE };

/* ---- the veth pair ------------------------------------------------------------------------------------------------------ */

static const char *why_not_veth(LiveMachine *m, const LiveChange *c)
{
        if (settings_private_network(m->before) && !settings_private_network(m->after))
                return "without it, the machine would be in the host's network";
        return why_not(m, c);
}

/* The veth pair of these settings. *ret NULL: they have none. */
static int find_veth(LiveMachine *m, const Settings *s, LinkPlan *plan, LinkOp **ret, Failure *failure)
{
        _cleanup_(problems_done) Problems problems = { 0 };
        int r = link_plan_make(s, m->name, m->host->machine_id, plan, &problems);

        *ret = NULL;
        for (size_t i = 0; r >= 0 && i < plan->n; i++)
                if (plan->ops[i].kind == LINK_VETH)
                        *ret = &plan->ops[i];
        if (problems.n_fatal > 0)
                return failure_set(failure, -EINVAL, "%s", problems.items[0].text);
        return r < 0 ? failure_set(failure, r, "Out of memory") : 0;
}

static int check_veth(LiveMachine *m, LinkOp *op, Failure *failure)
{
        _cleanup_(problems_done) Problems problems = { 0 };
        const LinkPlan one = { op, 1 };
        int r = links_check(&one, m->name, NULL, &problems);

        if (problems.n_fatal > 0)
                return failure_set(failure, -EINVAL, "%s", problems.items[0].text);
        return r < 0 ? failure_set(failure, r, "Failed to look up the interfaces of the host: %m") : 0;
}

/* The bridge of a zone is one like others to the supervisor. */
static int tell_veth(LiveMachine *m, bool add, const LinkOp *op, Failure *failure)
{
        const LiveValue v = {
                .row = settings_table_row(op->bridge ? SETTING_BRIDGE : SETTING_VIRTUAL_ETHERNET),
                .text = op->bridge ?: (char *) "yes", .from = op->from,
        };

        return tell(m, add, &v, failure);
}

/* Where only the bridge is another, the pair stays, and the machine keeps its addresses. */
static int replace(LiveMachine *m, const LinkOp *old, const LinkOp *new, Failure *failure)
{
        int r = 0;

        if (old && new && strcmp(old->host_name, new->host_name) == 0) {
                r = links_set_bridge(new, failure);
                return r < 0 ? failure_set_at(failure, new->from, r, "%s%s: %m", link_op_setting(new), new->bridge) : 0;
        }
        if (old)
                r = tell_veth(m, /* add= */ false, old, failure);
        if (r < 0 || !new)
                return r;
        r = tell_veth(m, /* add= */ true, new, failure);
        if (r < 0 && old)
                (void) tell_veth(m, /* add= */ true, old, NULL);
        return r;
}

static bool is_same(const LinkOp *a, const LinkOp *b)
{
        if (!a || !b)
                return a == b;
        return strcmp(a->host_name, b->host_name) == 0 && strcmp(a->bridge ?: "", b->bridge ?: "") == 0;
}

/* The old zone's bridge goes once the new one is released: zones have one lock. */
static int apply_veth(LiveMachine *m, const LiveChange *c, Settings *to, Failure *failure)
{
        _cleanup_(link_plan_done) LinkPlan before = { 0 }, after = { 0 };
        LinksZone zone = LINKS_ZONE_NULL;
        LinkOp *old, *new;
        int r;

        r = find_veth(m, to == m->after ? m->before : m->after, &before, &old, failure);
        if (r >= 0)
                r = find_veth(m, to, &after, &new, failure);
        if (r < 0 || is_same(old, new))
                return r;
        r = new ? check_veth(m, new, failure) : 0;
        if (r >= 0 && new && new->zone)
                r = links_hold_zone(new, m->name, &zone, failure);
        if (r >= 0)
                r = replace(m, old, new, failure);
        if (new && new->zone)
                links_release_zone(new, &zone);
        if (r >= 0 && old && old->zone)
                links_remove_zones(&(LinkPlan) { old, 1 });
        return r;
}

const LiveApplier live_veth = { why_not_veth, apply_veth, LIVE_ALL };
