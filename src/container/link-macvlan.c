/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Links that stand on an interface of the host, which stays there: macvlans. They are made in the machine's namespace from
 * the start. The supervisor, with CAP_NET_ADMIN on the host.
 */

#include "container/link-kind.h"

static int macvlan_up(const LinkOp *op, const LinkTarget *to, Links *l, Failure *failure)
{
        char text[RTNL_TEXT_MAX];
        RtnlLink parent, inside;
        RtnlRequest q = { 0 };
        struct nlmsghdr *m;
        struct nlattr *info, *data;
        int r;

        r = link_find_needed(op, l, &parent, failure);
        if (r < 0)
                return r;

        m = rtnl_add(&q, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
        mnl_attr_put_u32(m, IFLA_LINK, (uint32_t) parent.ifindex);
        mnl_attr_put_strz(m, IFLA_IFNAME, op->inner_name);
        mnl_attr_put(m, IFLA_ADDRESS, sizeof(op->inner_mac), op->inner_mac);
        mnl_attr_put_u32(m, IFLA_NET_NS_FD, (uint32_t) to->netns_fd);
        info = link_begin_kind(m, "macvlan");
        data = mnl_attr_nest_start(m, IFLA_INFO_DATA);
        mnl_attr_put_u32(m, IFLA_MACVLAN_MODE, MACVLAN_MODE_BRIDGE);
        mnl_attr_nest_end(m, data);
        mnl_attr_nest_end(m, info);

        r = rtnl_call(l->host_rtnl, &q, NULL, text);
        if (r < 0)
                return link_failed(op, r, "make a macvlan on", op->host_name, text, failure);

        r = rtnl_get_link(l->inner_rtnl, op->inner_name, &inside);
        if (r < 0) {
                (void) link_delete(l->inner_rtnl, 0, op->inner_name);
                return link_failed(op, r, "find in the machine the macvlan", op->inner_name, "", failure);
        }

        link_record(l, inside.ifindex, op->host_name);
        return 0;
}

/* Its namespace would take it along, but at its leisure: until then the address is in use on the parent, and a restarted
 * machine could not bring its own up. */
static void macvlan_down(const LinkOp *op, const LinkDone *d, const Links *l)
{
        link_remove(l->inner_rtnl, d->ifindex, op->inner_name);
}

const LinkMethods link_macvlan = { .inner = true, .up = macvlan_up, .down = macvlan_down };
