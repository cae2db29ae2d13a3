/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * veth pairs between the host, optionally in a bridge, and the machine. The supervisor, with CAP_NET_ADMIN on the host.
 *
 * The host side has the alias "box:MACHINE". If its name is in use, a stale interface with this alias is replaced; any other
 * interface is not touched.
 */

#include <linux/veth.h>
#include <stdio.h>
#include <string.h>

#include "net/link-kind.h"
#include "util/log.h"

#define ALIAS_MAX 256
#define ALIAS_PREFIX "box:"

/* A bridge has the smallest MTU of its ports: a new one gets the bridge's, on both sides. */
static void put_mtu(const RtnlLink *bridge, struct nlmsghdr *m)
{
        if (bridge->ifindex > 0 && bridge->mtu > 0)
                mnl_attr_put_u32(m, IFLA_MTU, bridge->mtu);
}

static int veth_create(const LinkOp *op, const Links *l, const RtnlLink *bridge, int netns_fd, char text[static RTNL_TEXT_MAX])
{
        RtnlRequest q = { 0 };
        struct nlmsghdr *m = rtnl_add(&q, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
        struct nlattr *info, *data, *peer;

        mnl_attr_put_strz(m, IFLA_IFNAME, op->host_name);
        mnl_attr_put(m, IFLA_ADDRESS, sizeof(op->host_mac), op->host_mac);
        put_mtu(bridge, m);
        if (bridge->ifindex > 0) {
                struct ifinfomsg *header = mnl_nlmsg_get_payload(m);

                /* Without a bridge it stays down: networkd brings it up when it has configured it. */
                header->ifi_flags = header->ifi_change = IFF_UP;
                mnl_attr_put_u32(m, IFLA_MASTER, (uint32_t) bridge->ifindex);
        }

        info = link_begin_kind(m, "veth");
        data = mnl_attr_nest_start(m, IFLA_INFO_DATA);
        peer = mnl_attr_nest_start(m, VETH_INFO_PEER);
        mnl_nlmsg_put_extra_header(m, sizeof(struct ifinfomsg));
        mnl_attr_put_strz(m, IFLA_IFNAME, op->container_name);
        mnl_attr_put(m, IFLA_ADDRESS, sizeof(op->container_mac), op->container_mac);
        mnl_attr_put_u32(m, IFLA_NET_NS_FD, (uint32_t) netns_fd);
        put_mtu(bridge, m);
        mnl_attr_nest_end(m, peer);
        mnl_attr_nest_end(m, data);
        mnl_attr_nest_end(m, info);

        return rtnl_call(l->host_rtnl, &q, NULL, text);
}

/* Removes a stale interface that has the name of the host side. 0 if the name is free now. */
static int veth_remove_stale(const LinkOp *op, const char *machine, const char *alias, const Links *l,
                             Failure *failure)
{
        RtnlLink there;
        int r = rtnl_get_link(l->host_rtnl, op->host_name, &there);

        if (r == -ENODEV)
                return 0;
        if (r < 0)
                return link_failed(op, r, "find", op->host_name, "", failure);

        if (strcmp(there.alias, alias) != 0) {
                char buf[SOURCE_TEXT_MAX];

                if (strncmp(there.alias, ALIAS_PREFIX, strlen(ALIAS_PREFIX)) == 0)
                        return failure_set(failure, -EEXIST, "%sNetwork interface %s belongs to machine %s",
                                           link_place(op, buf), op->host_name, there.alias + strlen(ALIAS_PREFIX));
                return failure_set(failure, -EEXIST,
                                   "%sNetwork interface %s already exists and does not belong to machine %s; remove or "
                                   "rename it", link_place(op, buf), op->host_name, machine);
        }

        log_debug(0, "Removing the stale interface %s of machine %s", op->host_name, machine);
        r = link_delete(l->host_rtnl, there.ifindex, NULL);
        return r < 0 && r != -ENODEV ? link_failed(op, r, "remove the stale interface", op->host_name, "", failure) : 0;
}

/* Where the kernel's answer is lost, the pair may have been created: our bridge then has a port of this name without an alias. */
static void veth_remove_unanswered(const LinkOp *op, const RtnlLink *bridge, const Links *l)
{
        RtnlLink there;

        if (bridge->ifindex > 0 && rtnl_get_link(l->host_rtnl, op->host_name, &there) >= 0 &&
            there.master == bridge->ifindex && !*there.alias)
                (void) link_delete(l->host_rtnl, there.ifindex, NULL);
}

/* bridge: its ifindex is 0 for none. */
static int veth_make(const LinkOp *op, const RtnlLink *bridge, const LinkTarget *to, Links *l, Failure *failure)
{
        char text[RTNL_TEXT_MAX], alias[ALIAS_MAX], name[ALIAS_MAX];
        RtnlLink host_side = { 0 };
        RtnlRequest q = { 0 };
        struct nlmsghdr *m;
        int r;

        (void) snprintf(alias, sizeof(alias), ALIAS_PREFIX "%s", to->machine);
        r = veth_create(op, l, bridge, to->netns_fd, text);
        if (r == -EEXIST) {
                r = veth_remove_stale(op, to->machine, alias, l, failure);
                if (r < 0)
                        return r;
                r = veth_create(op, l, bridge, to->netns_fd, text);
        }
        if (r < 0) {
                if (r != -EEXIST)
                        veth_remove_unanswered(op, bridge, l);
                (void) snprintf(name, sizeof(name), "%s%s%s", op->host_name, op->bridge ? " in bridge " : "",
                                op->bridge ?: "");
                return link_failed(op, r, "create veth pair", name, text, failure);
        }

        /* The kernel ignores an alias at creation. By name, as the index is not known yet. */
        m = rtnl_add(&q, RTM_SETLINK, 0, 0);
        mnl_attr_put_strz(m, IFLA_IFNAME, op->host_name);
        mnl_attr_put_strz(m, IFLA_IFALIAS, alias);
        m = rtnl_add(&q, RTM_GETLINK, 0, 0);
        mnl_attr_put_strz(m, IFLA_IFNAME, op->host_name);
        mnl_attr_put_u32(m, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
        r = rtnl_call(l->host_rtnl, &q, &host_side, text);
        if (r < 0) {
                (void) link_delete(l->host_rtnl, 0, op->host_name);
                return link_failed(op, r, "set the alias of interface", op->host_name, text, failure);
        }

        (void) snprintf(link_record(l, host_side.ifindex, op->host_name)->mark, sizeof((LinkDone) { 0 }.mark), "%s", alias);
        if (op->kind == LINK_VETH)
                l->ifindices[l->n_ifindices++] = bridge->ifindex > 0 ? bridge->ifindex : host_side.ifindex;
        if (op->host_altname)
                link_set_altname(l->host_rtnl, op->host_name, op->host_altname);
        return 0;
}

static int veth_up_in_zone(const LinkOp *op, const LinkTarget *to, Links *l, Failure *failure)
{
        _cleanup_(lock_file_release) LockFile lock = LOCK_FILE_NULL;
        RtnlLink bridge;
        int r;

        r = link_zone_lock(op, l, &lock, failure);
        if (r < 0)
                return r;
        r = link_zone_bridge(op, l, &bridge, failure);
        if (r >= 0)
                r = veth_make(op, &bridge, to, l, failure);
        if (r < 0)
                link_zone_remove_empty(op, l);
        return r;
}

static int veth_up(const LinkOp *op, const LinkTarget *to, Links *l, Failure *failure)
{
        RtnlLink bridge = { 0 };
        int r;

        if (op->zone)
                return veth_up_in_zone(op, to, l, failure);
        if (op->bridge) {
                r = link_find_needed(op, l, &bridge, failure);
                if (r < 0)
                        return r;
        }

        return veth_make(op, &bridge, to, l, failure);
}

static int veth_down(const LinkOp *op, const LinkDone *d, const Links *l)
{
        RtnlLink there;
        int r = 0;

        /* If the payload removed it, another interface may have its index now, also one of another machine. */
        if (rtnl_get_index(l->host_rtnl, d->ifindex, &there) < 0 || strcmp(there.alias, d->mark) == 0)
                r = link_remove(l->host_rtnl, d->ifindex, op->host_name);
        if (op->zone && !l->keep_zones)
                link_zone_down(op, l);
        return r;
}

const LinkMethods link_veth = { .up = veth_up, .down = veth_down };
