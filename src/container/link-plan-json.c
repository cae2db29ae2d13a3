/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The links of the plan as JSON (see plan-json.h). Pure. */

#include "container/plan-json-parts.h"

static void put_mac(JsonWriter *w, const char *key, const uint8_t mac[static 6])
{
        json_put_format(w, key, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
}

static void put_link(JsonWriter *w, const LinkOp *op)
{
        static const char *const kinds[] = {
                [LINK_VETH] = "veth", [LINK_MACVLAN] = "macvlan", [LINK_MOVE] = "move",
        };

        json_begin_object(w, NULL);
        json_put_string(w, "kind", kinds[op->kind]);
        json_put_string(w, "host_name", op->host_name);
        if (op->host_altname)
                json_put_string(w, "host_altname", op->host_altname);
        json_put_string(w, "inner_name", *op->inner_name ? op->inner_name : op->host_name);
        if (op->kind == LINK_VETH)
                put_mac(w, "host_mac", op->host_mac);
        if (op->kind != LINK_MOVE)
                put_mac(w, "inner_mac", op->inner_mac);
        if (op->bridge)
                json_put_string(w, "bridge", op->bridge);
        source_to_json(w, "from", op->from);
        json_end(w);
}

void link_plan_to_json(JsonWriter *w, const char *key, const LinkPlan *p)
{
        json_begin_array(w, key);
        for (size_t i = 0; i < p->n; i++)
                put_link(w, &p->ops[i]);
        json_end(w);
}
