/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Two network namespaces in a user namespace of the test: "the host", where it runs, and "the machine". Needs no privilege and
 * changes nothing outside. Interfaces to move, and parents, are veth pairs.
 */

#include "test.h"

#include <fcntl.h>
#include <linux/veth.h>
#include <sched.h>
#include <unistd.h>

#include "net/rtnl.h"

static int host_netns = -EBADF;
static int host_rtnl = -EBADF;

/* A machine: a new namespace with a netlink socket in it. */
typedef struct Machine {
        int netns, rtnl;
} Machine;

static inline int namespace_new(void)
{
        if (unshare(CLONE_NEWNET) < 0)
                return -errno;
        return open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
}

static inline Machine machine_new(void)
{
        Machine m;

        m.netns = namespace_new();
        assert_true(m.netns >= 0);
        m.rtnl = rtnl_open();
        assert_true(m.rtnl >= 0);
        assert_int_equal(setns(host_netns, CLONE_NEWNET), 0);
        return m;
}

static inline void machine_done(Machine *m)
{
        close(m->rtnl);
        close(m->netns);
}

/* A veth pair on the host, as "an interface of the host" and "the network behind it". ifindex: of the first, 0 for any. */
static inline void make_pair_at(int ifindex, const char *a, const char *b)
{
        char text[RTNL_TEXT_MAX];
        RtnlRequest q = { 0 };
        struct nlmsghdr *m = rtnl_add(&q, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, ifindex);
        struct nlattr *info, *data, *peer;

        mnl_attr_put_strz(m, IFLA_IFNAME, a);
        info = mnl_attr_nest_start(m, IFLA_LINKINFO);
        mnl_attr_put_str(m, IFLA_INFO_KIND, "veth");
        data = mnl_attr_nest_start(m, IFLA_INFO_DATA);
        peer = mnl_attr_nest_start(m, VETH_INFO_PEER);
        mnl_nlmsg_put_extra_header(m, sizeof(struct ifinfomsg));
        mnl_attr_put_strz(m, IFLA_IFNAME, b);
        mnl_attr_nest_end(m, peer);
        mnl_attr_nest_end(m, data);
        mnl_attr_nest_end(m, info);
        assert_int_equal(rtnl_call(host_rtnl, &q, NULL, text), 0);
}

static inline void make_pair(const char *a, const char *b)
{
        make_pair_at(/* ifindex= */ 0, a, b);
}

static inline int make_bridge(const char *name)
{
        char text[RTNL_TEXT_MAX];
        RtnlRequest q = { 0 };
        struct nlmsghdr *m = rtnl_add(&q, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
        struct nlattr *info;

        mnl_attr_put_strz(m, IFLA_IFNAME, name);
        info = mnl_attr_nest_start(m, IFLA_LINKINFO);
        mnl_attr_put_str(m, IFLA_INFO_KIND, "bridge");
        mnl_attr_nest_end(m, info);
        return rtnl_call(host_rtnl, &q, NULL, text);
}

static inline void set_link(int rtnl, const char *name, uint16_t type, const void *data, size_t size, bool up)
{
        char text[RTNL_TEXT_MAX];
        RtnlRequest q = { 0 };
        RtnlLink link;
        struct nlmsghdr *m;

        assert_int_equal(rtnl_get_link(rtnl, name, &link), 0);
        m = rtnl_add(&q, RTM_SETLINK, 0, link.ifindex);
        if (data)
                mnl_attr_put(m, type, size, data);
        if (up) {
                struct ifinfomsg *i = mnl_nlmsg_get_payload(m);

                i->ifi_flags = i->ifi_change = IFF_UP;
        }
        assert_int_equal(rtnl_call(rtnl, &q, NULL, text), 0);
}

static inline void delete_link(int rtnl, const char *name)
{
        char text[RTNL_TEXT_MAX];
        RtnlRequest q = { 0 };

        mnl_attr_put_strz(rtnl_add(&q, RTM_DELLINK, 0, 0), IFLA_IFNAME, name);
        assert_int_equal(rtnl_call(rtnl, &q, NULL, text), 0);
}

static inline bool exists(int rtnl, const char *name)
{
        RtnlLink link;

        return rtnl_get_link(rtnl, name, &link) == 0;
}

/* Must be called first. False without user or network namespaces. */
static inline bool host_new(void)
{
        if (unshare(CLONE_NEWUSER) < 0)
                return false;
        host_netns = namespace_new();
        if (host_netns < 0)
                return false;
        host_rtnl = rtnl_open();
        return host_rtnl >= 0;
}

static inline void read_route_type(const struct nlmsghdr *m, void *userdata)
{
        if (m->nlmsg_type == RTM_NEWROUTE)
                *(unsigned *) userdata = ((const struct rtmsg *) mnl_nlmsg_get_payload(m))->rtm_type;
}

/* The kernel accepts packets to a new IPv6 address only a moment after it reports it. */
static inline void wait_local(int rtnl, const void *address)
{
        const struct rtmsg header = { .rtm_family = AF_INET6, .rtm_dst_len = 128 };
        unsigned type = RTN_UNSPEC;

        for (unsigned i = 0; type != RTN_LOCAL && i < 1000; i++) {
                RtnlRequest q = { 0 };

                mnl_attr_put(rtnl_add_with(&q, RTM_GETROUTE, 0, &header, sizeof(header)), RTA_DST, 16, address);
                (void) rtnl_call_each(rtnl, &q, read_route_type, &type);
                (void) usleep(1000);
        }
        assert_int_equal(type, RTN_LOCAL);
}

/* Adds an address, without duplicate address detection, and brings the interface up. */
static inline void add_address(int rtnl, const char *name, int family, const void *address, unsigned prefix, uint8_t scope,
                               uint32_t flags)
{
        struct ifaddrmsg header = {
                .ifa_family = (uint8_t) family, .ifa_prefixlen = (uint8_t) prefix, .ifa_scope = scope,
        };
        RtnlRequest q = { 0 };
        char text[RTNL_TEXT_MAX];
        struct nlmsghdr *m;
        RtnlLink link;

        assert_int_equal(rtnl_get_link(rtnl, name, &link), 0);
        header.ifa_index = (uint32_t) link.ifindex;
        m = rtnl_add_with(&q, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, &header, sizeof(header));
        mnl_attr_put(m, IFA_LOCAL, family == AF_INET ? 4 : 16, address);
        mnl_attr_put(m, IFA_ADDRESS, family == AF_INET ? 4 : 16, address);
        mnl_attr_put_u32(m, IFA_FLAGS, flags | (family == AF_INET6 ? IFA_F_NODAD : 0));
        assert_int_equal(rtnl_call(rtnl, &q, NULL, text), 0);
        set_link(rtnl, name, 0, NULL, 0, true);
        if (family == AF_INET6)
                wait_local(rtnl, address);
}

static inline void remove_address(int rtnl, const char *name, int family, const void *address, unsigned prefix)
{
        struct ifaddrmsg header = { .ifa_family = (uint8_t) family, .ifa_prefixlen = (uint8_t) prefix };
        RtnlRequest q = { 0 };
        char text[RTNL_TEXT_MAX];
        RtnlLink link;

        assert_int_equal(rtnl_get_link(rtnl, name, &link), 0);
        header.ifa_index = (uint32_t) link.ifindex;
        mnl_attr_put(rtnl_add_with(&q, RTM_DELADDR, 0, &header, sizeof(header)), IFA_LOCAL, family == AF_INET ? 4 : 16,
                     address);
        assert_int_equal(rtnl_call(rtnl, &q, NULL, text), 0);
}

/* A veth pair between host and machine, both sides up. */
static inline void connect_machine(const Machine *m, const char *outside, const char *inside)
{
        char text[RTNL_TEXT_MAX];
        RtnlRequest q = { 0 };
        RtnlLink link;

        make_pair(outside, inside);
        assert_int_equal(rtnl_get_link(host_rtnl, inside, &link), 0);
        mnl_attr_put_u32(rtnl_add(&q, RTM_SETLINK, 0, link.ifindex), IFLA_NET_NS_FD, (uint32_t) m->netns);
        assert_int_equal(rtnl_call(host_rtnl, &q, NULL, text), 0);
        set_link(host_rtnl, outside, 0, NULL, 0, true);
        set_link(m->rtnl, inside, 0, NULL, 0, true);
}

/* gateway NULL: on the link. */
static inline void add_route(int rtnl, const char *name, int family, const void *to, unsigned prefix, const void *gateway)
{
        const struct rtmsg header = {
                .rtm_family = (uint8_t) family, .rtm_dst_len = (uint8_t) prefix, .rtm_table = RT_TABLE_MAIN,
                .rtm_protocol = RTPROT_STATIC, .rtm_type = RTN_UNICAST,
                .rtm_scope = gateway || family == AF_INET6 ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK,
        };
        const size_t size = family == AF_INET ? 4 : 16;
        RtnlRequest q = { 0 };
        char text[RTNL_TEXT_MAX];
        struct nlmsghdr *m;
        RtnlLink link;

        assert_int_equal(rtnl_get_link(rtnl, name, &link), 0);
        m = rtnl_add_with(&q, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, &header, sizeof(header));
        mnl_attr_put(m, RTA_DST, size, to);
        mnl_attr_put_u32(m, RTA_OIF, (uint32_t) link.ifindex);
        if (gateway)
                mnl_attr_put(m, RTA_GATEWAY, size, gateway);
        assert_int_equal(rtnl_call(rtnl, &q, NULL, text), 0);
}

/* A macvlan on an interface. */
static inline void make_on_top(int rtnl, const char *parent, const char *name, int netns)
{
        char text[RTNL_TEXT_MAX];
        struct nlattr *info, *data;
        RtnlRequest q = { 0 };
        struct nlmsghdr *m;
        RtnlLink link;

        assert_int_equal(rtnl_get_link(rtnl, parent, &link), 0);
        m = rtnl_add(&q, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
        mnl_attr_put_u32(m, IFLA_LINK, (uint32_t) link.ifindex);
        mnl_attr_put_strz(m, IFLA_IFNAME, name);
        if (netns >= 0)
                mnl_attr_put_u32(m, IFLA_NET_NS_FD, (uint32_t) netns);
        info = mnl_attr_nest_start(m, IFLA_LINKINFO);
        mnl_attr_put_str(m, IFLA_INFO_KIND, "macvlan");
        data = mnl_attr_nest_start(m, IFLA_INFO_DATA);
        mnl_attr_put_u32(m, IFLA_MACVLAN_MODE, MACVLAN_MODE_BRIDGE);
        mnl_attr_nest_end(m, data);
        mnl_attr_nest_end(m, info);
        assert_int_equal(rtnl_call(rtnl, &q, NULL, text), 0);
}
