/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The links and ports of the plan as JSON (see plan-json.h). Pure. */

#include "plan/plan-json-internal.h"
#include "plan/source-json.h"

static void put_mac(Json *w, const char *key, const uint8_t mac[static 6])
{
        json_put_format(w, key, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
}

static void put_link(Json *w, const LinkOp *op)
{
        static const char *const kinds[] = {
                [LINK_VETH] = "veth", [LINK_VETH_EXTRA] = "veth-extra", [LINK_MACVLAN] = "macvlan", [LINK_IPVLAN] = "ipvlan",
                [LINK_MOVE] = "move",
        };

        json_begin_object(w, NULL);
        json_put_string(w, "kind", kinds[op->kind]);
        json_put_string(w, "host_name", op->host_name);
        if (op->host_altname)
                json_put_string(w, "host_altname", op->host_altname);
        json_put_string(w, "inner_name", *op->container_name ? op->container_name : op->host_name);
        if (op->container_altname)
                json_put_string(w, "inner_altname", op->container_altname);
        if (link_op_is_veth(op))
                put_mac(w, "host_mac", op->host_mac);
        if (link_op_is_veth(op) || op->kind == LINK_MACVLAN)
                put_mac(w, "inner_mac", op->container_mac);
        if (op->bridge) {
                json_put_string(w, "bridge", op->bridge);
                if (op->bridge_altname)
                        json_put_string(w, "bridge_altname", op->bridge_altname);
                json_put_bool(w, "zone", op->zone);
        }
        source_to_json(w, "from", op->from);
        json_end(w);
}

static void put_port(Json *w, const PortSetting *p)
{
        json_begin_object(w, NULL);
        json_put_string(w, "protocol", p->udp ? "udp" : "tcp");
        json_put_format(w, "host_port", "%u", p->host_port);
        json_put_format(w, "inner_port", "%u", p->container_port);
        source_to_json(w, "from", p->from);
        json_end(w);
}

void network_plan_to_json(Json *w, const NetworkPlan *p)
{
        json_put_bool(w, "private_network", p->is_private);
        json_put_string(w, "network_namespace", p->namespace_path);

        json_begin_array(w, "links");
        for (size_t i = 0; i < p->links.n; i++)
                put_link(w, &p->links.ops[i]);
        json_end(w);

        json_begin_array(w, "ports");
        for (size_t i = 0; i < p->n_ports; i++)
                put_port(w, &p->ports[i]);
        json_end(w);
}
