/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * macvlan and ipvlan links on a parent interface of the host. They are created directly in the machine's namespace. The
 * supervisor, with CAP_NET_ADMIN on the host.
 */

#include "net/link-kind.h"

static void put_kind(const LinkOp *op, bool macvlan, struct nlmsghdr *m)
{
        struct nlattr *info, *data;

        /* An ipvlan has the MAC address of its parent. */
        if (macvlan)
                mnl_attr_put(m, IFLA_ADDRESS, sizeof(op->container_mac), op->container_mac);
        info = link_begin_kind(m, macvlan ? "macvlan" : "ipvlan");
        data = mnl_attr_nest_start(m, IFLA_INFO_DATA);
        if (macvlan)
                mnl_attr_put_u32(m, IFLA_MACVLAN_MODE, MACVLAN_MODE_BRIDGE);
        else
                mnl_attr_put_u16(m, IFLA_IPVLAN_MODE, IPVLAN_MODE_L2);
        mnl_attr_nest_end(m, data);
        mnl_attr_nest_end(m, info);
}

static int stacked_up(const LinkOp *op, const LinkTarget *to, Links *l, Failure *failure)
{
        const bool macvlan = op->kind == LINK_MACVLAN;
        char text[RTNL_TEXT_MAX];
        RtnlLink parent, inside;
        RtnlRequest q = { 0 };
        struct nlmsghdr *m;
        int r;

        r = link_find_needed(op, l, &parent, failure);
        if (r < 0)
                return r;

        m = rtnl_add(&q, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
        mnl_attr_put_u32(m, IFLA_LINK, (uint32_t) parent.ifindex);
        mnl_attr_put_strz(m, IFLA_IFNAME, op->container_name);
        mnl_attr_put_u32(m, IFLA_NET_NS_FD, (uint32_t) to->netns_fd);
        put_kind(op, macvlan, m);
        r = rtnl_call(l->host_rtnl, &q, NULL, text);
        if (r < 0)
                return link_failed(op, r, macvlan ? "create a macvlan on" : "create an ipvlan on", op->host_name, text,
                                   failure);

        r = rtnl_get_link(l->container_rtnl, op->container_name, &inside);
        if (r < 0) {
                (void) link_delete(l->container_rtnl, 0, op->container_name);
                return link_failed(op, r, "find the machine's interface", op->container_name, "", failure);
        }

        link_record(l, inside.ifindex, op->host_name);
        return 0;
}

/* The kernel removes the link with its namespace, but asynchronously: until then its address is in use on the parent, and a
 * restarted machine could not bring up its own link. */
static int stacked_down(const LinkOp *op, const LinkDone *d, const Links *l)
{
        return link_remove(l->container_rtnl, d->ifindex, op->container_name);
}

const LinkMethods link_macvlan = { .needs_container_rtnl = true, .up = stacked_up, .down = stacked_down };
