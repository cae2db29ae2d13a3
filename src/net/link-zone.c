/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The bridges of zones. The first machine of a zone creates the bridge vz-ZONE, the last one removes it. box and
 * systemd-nspawn do this under the same lock, so that no machine joins a bridge that is being removed. An empty bridge that
 * a killed supervisor leaves is used, and removed, by the next machine of the zone. The supervisor, with CAP_NET_ADMIN on the
 * host.
 */

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "net/link-kind.h"
#include "util/fd.h"
#include "util/log.h"

/* The same file as systemd-nspawn's. */
#define ZONE_LOCK "/run/systemd/nspawn-network-zone"

int link_zone_lock(const LinkOp *op, const Links *l, LockFile *ret, Failure *failure)
{
        const char *path = l->zone_lock ? l->zone_lock : ZONE_LOCK;
        int r = lock_file_take(path, LOCK_FILE_WAIT, ret);

        return r < 0 ? link_failed(op, r, "lock", path, "", failure) : 0;
}

/* Machines must not configure routes of the host by router advertisements. 0 also without IPv6. */
static int refuse_router_advertisements(const char *bridge)
{
        char path[sizeof("/proc/sys/net/ipv6/conf//accept_ra") + IF_NAMESIZE];
        int r;

        (void) snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/accept_ra", bridge);
        r = fd_write_file_at(AT_FDCWD, path, "0");
        return r == -ENOENT ? 0 : r;
}

/* Up, so that the members reach each other even if nothing configures the bridge. Without an address, not even a link-local
 * one, until networkd or the administrator configures it: the host is not a member of the zone. */
static void bring_up(const LinkOp *op, const Links *l, int ifindex)
{
        struct nlattr *all, *inet6;
        RtnlRequest q = { 0 };
        struct nlmsghdr *m;
        int r;

        r = refuse_router_advertisements(op->bridge);
        if (r >= 0) {
                m = rtnl_add(&q, RTM_SETLINK, 0, ifindex);
                all = mnl_attr_nest_start(m, IFLA_AF_SPEC);
                inet6 = mnl_attr_nest_start(m, AF_INET6);
                mnl_attr_put_u8(m, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
                mnl_attr_nest_end(m, inet6);
                mnl_attr_nest_end(m, all);
                r = rtnl_call(l->host_rtnl, &q, NULL, NULL);
                if (r == -EAFNOSUPPORT)         /* without IPv6 */
                        r = 0;
        }
        if (r >= 0)
                r = rtnl_link_up(l->host_rtnl, ifindex);
        if (r < 0)
                log_warning(r, "Failed to bring up bridge %s, ignoring: %m", op->bridge);
}

int link_zone_bridge(const LinkOp *op, const Links *l, RtnlLink *ret, Failure *failure)
{
        char text[RTNL_TEXT_MAX] = "";
        RtnlRequest q = { 0 };
        struct nlmsghdr *m;
        int r;

        r = rtnl_get_link(l->host_rtnl, op->bridge, ret);
        if (r == -ENODEV) {
                m = rtnl_add(&q, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
                mnl_attr_put_strz(m, IFLA_IFNAME, op->bridge);
                mnl_attr_nest_end(m, link_begin_kind(m, "bridge"));
                r = rtnl_call(l->host_rtnl, &q, NULL, text);
                if (r >= 0)
                        r = rtnl_get_link(l->host_rtnl, op->bridge, ret);
                if (r >= 0 && op->bridge_altname)
                        link_set_altname(l->host_rtnl, op->bridge, op->bridge_altname);
                if (r >= 0)
                        bring_up(op, l, ret->ifindex);
        }

        return r < 0 ? link_failed(op, r, "create bridge", op->bridge, text, failure) : 0;
}

typedef struct Members {
        uint32_t bridge;
        bool any;
} Members;

static void find_member(const struct nlmsghdr *m, void *userdata)
{
        Members *members = userdata;
        const struct nlattr *a;

        if (m->nlmsg_type != RTM_NEWLINK)
                return;
        mnl_attr_for_each(a, m, sizeof(struct ifinfomsg))
                if (mnl_attr_get_type(a) == IFLA_MASTER && mnl_attr_get_u32(a) == members->bridge)
                        members->any = true;
}

void link_zone_remove_empty(const LinkOp *op, const Links *l)
{
        RtnlRequest q = { 0 };
        Members members = { 0 };
        struct nlmsghdr *m;
        RtnlLink bridge;
        int r;

        r = rtnl_get_link(l->host_rtnl, op->bridge, &bridge);
        if (r == -ENODEV)
                return;
        if (r >= 0) {
                members.bridge = (uint32_t) bridge.ifindex;
                m = rtnl_add(&q, RTM_GETLINK, 0, 0);
                mnl_attr_put_u32(m, IFLA_MASTER, members.bridge);
                mnl_attr_put_u32(m, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
                r = rtnl_dump(l->host_rtnl, &q, find_member, &members);
        }
        if (r < 0)
                log_warning(r, "Failed to list the members of bridge %s, ignoring: %m", op->bridge);
        else if (!members.any)
                link_remove(l->host_rtnl, bridge.ifindex, op->bridge);
}

void link_zone_down(const LinkOp *op, const Links *l)
{
        _cleanup_(lock_file_release) LockFile lock = LOCK_FILE_NULL;
        Failure failure = { 0 };

        if (link_zone_lock(op, l, &lock, &failure) < 0)
                log_warning(0, "%s, keeping bridge %s", failure.text, op->bridge);
        else
                link_zone_remove_empty(op, l);
}
