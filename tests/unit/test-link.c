/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Links in network namespaces of the test. */

#include "netns-fixture.h"

#include <limits.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "net/link.h"
#include "util/fd.h"
#include "util/log.h"

static void assert_mac(const char *name, const char *expected)
{
        /* The host side is read by ioctl(), not by the code under test. */
        _cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        struct ifreq request = { 0 };
        uint8_t mac[6];
        char text[20];

        (void) snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
        assert_int_equal(ioctl(fd, SIOCGIFHWADDR, &request), 0);
        memcpy(mac, request.ifr_hwaddr.sa_data, 6);
        (void) snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
                        mac[5]);
        assert_string_equal(text, expected);
}

static bool is_up(const char *name)
{
        _cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        struct ifreq request = { 0 };

        (void) snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
        assert_int_equal(ioctl(fd, SIOCGIFFLAGS, &request), 0);
        return request.ifr_flags & IFF_UP;
}

static LinkOp veth_op(void)
{
        return (LinkOp) {
                .kind = LINK_VETH, .host_name = (char *) "ve-x", .container_name = "host0",
                .host_mac = { 2, 0, 0, 0, 0, 1 }, .container_mac = { 2, 0, 0, 0, 0, 2 },
        };
}

static LinkPlan plan_of(LinkOp *ops, size_t n)
{
        return (LinkPlan) { .ops = ops, .n = n };
}

static void add_altname_at(int rtnl, const char *name, const char *altname)
{
        char text[RTNL_TEXT_MAX];
        RtnlRequest q = { 0 };
        struct nlattr *list;
        struct nlmsghdr *m;
        RtnlLink link;

        assert_int_equal(rtnl_get_link(rtnl, name, &link), 0);
        m = rtnl_add(&q, RTM_NEWLINKPROP, NLM_F_CREATE | NLM_F_EXCL | NLM_F_APPEND, link.ifindex);
        list = mnl_attr_nest_start(m, IFLA_PROP_LIST);
        mnl_attr_put_strz(m, IFLA_ALT_IFNAME, altname);
        mnl_attr_nest_end(m, list);
        assert_int_equal(rtnl_call(rtnl, &q, NULL, text), 0);
}

static void add_altname(const char *name, const char *altname)
{
        add_altname_at(host_rtnl, name, altname);
}

static void assert_name(const char *any_name, const char *expected)
{
        RtnlLink link;

        assert_int_equal(rtnl_get_link(host_rtnl, any_name, &link), 0);
        assert_string_equal(link.name, expected);
}

static void test_links_veth(void **state)
{
        Machine m = machine_new();
        LinkOp op = veth_op();
        LinkPlan p = plan_of(&op, 1);
        Links l = LINKS_NULL;
        Failure failure = { 0 };
        RtnlLink link;

        op.host_altname = (char *) "ve-a-much-longer-name-than-fits";
        op.container_altname = (char *) "the-name-of-host0";
        assert_int_equal(links_up(&p, "x", m.netns, &l, &failure), 0);
        assert_int_equal(l.n_done, 1);

        assert_int_equal(rtnl_get_link(host_rtnl, "ve-a-much-longer-name-than-fits", &link), 0);
        assert_string_equal(link.name, "ve-x");
        assert_string_equal(link.alias, "box:x");
        assert_int_equal(l.n_ifindices, 1);
        assert_int_equal(l.ifindices[0], link.ifindex);
        assert_mac("ve-x", "02:00:00:00:00:01");
        assert_false(exists(host_rtnl, "host0"));
        assert_true(exists(m.rtnl, "host0"));
        assert_true(exists(m.rtnl, "the-name-of-host0"));
        assert_int_equal(setns(m.netns, CLONE_NEWNET), 0);
        assert_mac("host0", "02:00:00:00:00:02");
        assert_int_equal(setns(host_netns, CLONE_NEWNET), 0);

        links_down(&p, &l);
        assert_false(exists(host_rtnl, "ve-x"));
        assert_false(exists(m.rtnl, "host0"));
        machine_done(&m);
}

/* Restarts at once: names are free when links_down() returns, also if the namespace ended first. */
static void test_links_veth_restarts(void **state)
{
        LinkOp op = veth_op();
        LinkPlan p = plan_of(&op, 1);
        Failure failure = { 0 };

        for (unsigned i = 0; i < 20; i++) {
                Machine m = machine_new();
                Links l = LINKS_NULL;

                assert_int_equal(links_up(&p, "x", m.netns, &l, &failure), 0);
                if (i % 2)
                        machine_done(&m);
                links_down(&p, &l);
                assert_false(exists(host_rtnl, "ve-x"));
                if (i % 2 == 0)
                        machine_done(&m);
        }
}

/* The payload removed its side, and another interface has the index now: of somebody else, or of another machine. */
static void test_links_veth_index_reused(void **state)
{
        static const char *const aliases[] = { "", "uplink", "box:y", "box:x2" };
        Failure failure = { 0 };

        for (size_t i = 0; i < ARRAY_SIZE(aliases); i++) {
                LinkOp op = veth_op();
                LinkPlan p = plan_of(&op, 1);
                Machine m = machine_new();
                Links l = LINKS_NULL;

                assert_int_equal(links_up(&p, "x", m.netns, &l, &failure), 0);
                delete_link(m.rtnl, "host0");
                assert_false(exists(host_rtnl, "ve-x"));
                make_pair_at(l.done[0].ifindex, "foreign", "behind");
                if (*aliases[i])
                        set_link(host_rtnl, "foreign", IFLA_IFALIAS, aliases[i], strlen(aliases[i]), false);
                links_down(&p, &l);
                assert_true(exists(host_rtnl, "foreign"));
                delete_link(host_rtnl, "foreign");
                machine_done(&m);
        }
}

static void test_links_veth_stale(void **state)
{
        Machine m = machine_new();
        LinkOp op = veth_op();
        LinkPlan p = plan_of(&op, 1);
        Links l = LINKS_NULL;
        Failure failure = { 0 };

        /* An interface of another owner is not removed. */
        make_pair("ve-x", "other");
        assert_int_equal(links_up(&p, "x", m.netns, &l, &failure), -EEXIST);
        assert_non_null(strstr(failure.text, "ve-x already exists and does not belong to machine x"));
        links_down(&p, &l);
        assert_true(exists(host_rtnl, "other"));

        /* Nor one of another machine. */
        set_link(host_rtnl, "ve-x", IFLA_IFALIAS, "box:xx", 7, false);
        assert_int_equal(links_up(&p, "x", m.netns, &l, NULL), -EEXIST);
        links_down(&p, &l);

        /* A stale one of the same machine is replaced. */
        set_link(host_rtnl, "ve-x", IFLA_IFALIAS, "box:x", 6, false);
        failure = (Failure) { 0 };
        assert_int_equal(links_up(&p, "x", m.netns, &l, &failure), 0);
        assert_false(exists(host_rtnl, "other"));
        assert_true(exists(m.rtnl, "host0"));
        links_down(&p, &l);
        machine_done(&m);
}

static uint32_t mtu_of(int rtnl, const char *name)
{
        RtnlLink link;

        assert_int_equal(rtnl_get_link(rtnl, name, &link), 0);
        return link.mtu;
}

static void test_links_bridge(void **state)
{
        static const uint32_t jumbo = 9000;
        Machine m = machine_new();
        LinkOp op = veth_op();
        LinkPlan p = plan_of(&op, 1);
        Links l = LINKS_NULL;
        Failure failure = { 0 };
        RtnlLink bridge;
        struct ifreq request = { 0 };
        _cleanup_close_ int fd = -EBADF;

        if (make_bridge("br0") < 0)
                skip();
        /* With one port the bridge has that one's MTU, and would follow a smaller one. */
        make_pair("uplink", "behind");
        set_link(host_rtnl, "uplink", IFLA_MTU, &jumbo, sizeof(jumbo), false);
        assert_int_equal(rtnl_get_link(host_rtnl, "br0", &bridge), 0);
        set_link(host_rtnl, "uplink", IFLA_MASTER, &bridge.ifindex, sizeof(bridge.ifindex), true);
        add_altname("br0", "a-long-name-of-the-bridge");

        op.bridge = (char *) "a-long-name-of-the-bridge";
        assert_int_equal(links_up(&p, "x", m.netns, &l, &failure), 0);
        assert_int_equal(mtu_of(host_rtnl, "br0"), jumbo);
        assert_int_equal(mtu_of(host_rtnl, "ve-x"), jumbo);
        assert_int_equal(mtu_of(m.rtnl, "host0"), jumbo);
        assert_int_equal(l.n_ifindices, 1);
        assert_int_equal(l.ifindices[0], bridge.ifindex);

        /* A member, and up: removing it from the bridge works, and once only. */
        fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        (void) snprintf(request.ifr_name, sizeof(request.ifr_name), "ve-x");
        assert_int_equal(ioctl(fd, SIOCGIFFLAGS, &request), 0);
        assert_true(request.ifr_flags & IFF_UP);
        (void) snprintf(request.ifr_name, sizeof(request.ifr_name), "br0");
        request.ifr_ifindex = (int) if_nametoindex("ve-x");
        assert_int_equal(ioctl(fd, SIOCBRDELIF, &request), 0);

        links_down(&p, &l);
        assert_true(exists(host_rtnl, "br0"));
        delete_link(host_rtnl, "uplink");
        delete_link(host_rtnl, "br0");
        machine_done(&m);
}

/* Not a bridge: the veth pair is removed again, and the error names the place of the setting. */
static void test_links_bridge_wrong(void **state)
{
        Machine m = machine_new();
        LinkOp op = veth_op();
        LinkPlan p = plan_of(&op, 1);
        Links l = LINKS_NULL;
        Failure failure = { 0 };

        op.bridge = (char *) "lo";
        op.from = (Source) { "/etc/systemd/nspawn/x.nspawn", 7 };
        assert_true(links_up(&p, "x", m.netns, &l, &failure) < 0);
        assert_ptr_equal(strstr(failure.text, "/etc/systemd/nspawn/x.nspawn:7: Failed to create veth pair"), failure.text);
        assert_int_equal(l.n_done, 0);
        assert_false(exists(host_rtnl, "ve-x"));
        links_down(&p, &l);
        machine_done(&m);
}

/* The first member creates the bridge, the last one removes it, whichever created it. */
static void test_links_zone(void **state)
{
        static const char lock[] = "/tmp/box-test-zone.lock";
        Machine a = machine_new(), b = machine_new();
        LinkOp op_a = veth_op(), op_b = veth_op();
        LinkPlan p_a = plan_of(&op_a, 1), p_b = plan_of(&op_b, 1);
        Links l_a = LINKS_NULL, l_b = LINKS_NULL;
        Failure failure = { 0 };
        RtnlLink bridge;

        if (make_bridge("br9") < 0)
                skip();
        delete_link(host_rtnl, "br9");

        op_a.zone = op_b.zone = true;
        op_a.bridge = op_b.bridge = (char *) "vz-z";
        op_a.bridge_altname = op_b.bridge_altname = (char *) "vz-a-long-name-of-the-zone";
        op_b.host_name = (char *) "ve-y";
        l_a.zone_lock = l_b.zone_lock = lock;
        assert_int_equal(links_up(&p_a, "x", a.netns, &l_a, &failure), 0);
        assert_int_equal(rtnl_get_link(host_rtnl, "vz-z", &bridge), 0);
        assert_int_equal(l_a.ifindices[0], bridge.ifindex);
        assert_true(is_up("vz-z"));
        assert_name("vz-a-long-name-of-the-zone", "vz-z");
        assert_int_equal(links_up(&p_b, "y", b.netns, &l_b, &failure), 0);
        assert_int_equal(l_b.ifindices[0], bridge.ifindex);
        assert_int_equal(access(lock, F_OK), -1);

        links_down(&p_a, &l_a);
        assert_true(exists(host_rtnl, "vz-z"));
        assert_false(exists(host_rtnl, "ve-x"));
        links_down(&p_b, &l_b);
        assert_false(exists(host_rtnl, "vz-z"));

        /* An empty bridge, left by a killed supervisor, is used; one with other members is kept. */
        assert_int_equal(make_bridge("vz-z"), 0);
        l_a.zone_lock = l_b.zone_lock = lock;
        assert_int_equal(links_up(&p_a, "x", a.netns, &l_a, &failure), 0);
        links_down(&p_a, &l_a);
        assert_false(exists(host_rtnl, "vz-z"));

        /* A member that fails leaves no bridge. */
        make_pair("ve-y", "other");
        l_b.zone_lock = lock;
        assert_int_equal(links_up(&p_b, "y", b.netns, &l_b, &failure), -EEXIST);
        links_down(&p_b, &l_b);
        assert_false(exists(host_rtnl, "vz-z"));
        assert_true(exists(host_rtnl, "other"));
        delete_link(host_rtnl, "other");
        machine_done(&a);
        machine_done(&b);
}

/* The name of the zone's bridge is used by another interface. */
static void test_links_zone_is_no_bridge(void **state)
{
        Machine m = machine_new();
        LinkOp op = veth_op();
        LinkPlan p = plan_of(&op, 1);
        Links l = LINKS_NULL;
        Failure failure = { 0 };

        make_pair("vz-z", "other");
        op.zone = true;
        op.bridge = (char *) "vz-z";
        l.zone_lock = "/tmp/box-test-zone.lock";
        assert_true(links_up(&p, "x", m.netns, &l, &failure) < 0);
        assert_non_null(strstr(failure.text, "Failed to create veth pair"));
        links_down(&p, &l);
        assert_false(exists(host_rtnl, "ve-x"));
        machine_done(&m);
        if (exists(host_rtnl, "other"))
                delete_link(host_rtnl, "other");
}

/* Extra veth pairs: down, without a bridge, not reported to machined. */
static void test_links_extra(void **state)
{
        LinkOp ops[3] = { veth_op(), veth_op(), veth_op() };
        LinkPlan p = plan_of(ops, ARRAY_SIZE(ops));
        Machine m = machine_new(), other = machine_new();
        Links l = LINKS_NULL, l2 = LINKS_NULL;
        LinkPlan second = plan_of(&ops[1], 1);
        Failure failure = { 0 };

        ops[1].kind = ops[2].kind = LINK_VETH_EXTRA;
        ops[1].host_name = (char *) "e1";
        ops[2].host_name = (char *) "e2";
        (void) snprintf(ops[1].container_name, sizeof(ops[1].container_name), "i1");
        (void) snprintf(ops[2].container_name, sizeof(ops[2].container_name), "i2");
        ops[1].from = (Source) { "x.nspawn", 4 };
        assert_int_equal(links_up(&p, "x", m.netns, &l, &failure), 0);
        assert_int_equal(l.n_ifindices, 1);
        assert_false(is_up("e1"));
        assert_true(exists(m.rtnl, "i1") && exists(m.rtnl, "i2"));

        /* The error for another machine with the same name names the owner. */
        assert_int_equal(links_up(&second, "y", other.netns, &l2, &failure), -EEXIST);
        assert_string_equal(failure.text, "x.nspawn:4: Network interface e1 belongs to machine x");
        links_down(&second, &l2);

        links_down(&p, &l);
        assert_false(exists(host_rtnl, "e1") || exists(host_rtnl, "e2") || exists(host_rtnl, "ve-x"));
        machine_done(&m);
        machine_done(&other);
}

/* If the kernel has no ipvlan, the error says so and nothing is left. */
static void test_links_ipvlan(void **state)
{
        LinkOp op = { .kind = LINK_IPVLAN, .host_name = (char *) "lan", .container_name = "iv-lan" };
        LinkPlan p = plan_of(&op, 1);
        Machine m = machine_new();
        Links l = LINKS_NULL;
        Failure failure = { 0 };
        int r;

        make_pair("lan", "behind");
        r = links_up(&p, "x", m.netns, &l, &failure);
        if (r < 0) {
                assert_int_equal(r, -EOPNOTSUPP);
                assert_non_null(strstr(failure.text, "Failed to create an ipvlan on lan: Operation not supported"));
        } else
                assert_true(exists(m.rtnl, "iv-lan"));
        links_down(&p, &l);
        assert_false(exists(m.rtnl, "iv-lan"));
        delete_link(host_rtnl, "lan");
        machine_done(&m);
}

static void test_links_macvlan(void **state)
{
        LinkOp op = { .kind = LINK_MACVLAN, .host_name = (char *) "lan", .container_name = "mv-lan",
                      .container_mac = { 2, 0, 0, 0, 0, 3 }, .container_altname = (char *) "mv-the-name-of-the-lan" };
        LinkPlan p = plan_of(&op, 1);
        Failure failure = { 0 };

        make_pair("lan", "behind");
        set_link(host_rtnl, "lan", 0, NULL, 0, true);

        /* Twice: the address is free again at once, so that the second can go up. */
        for (unsigned i = 0; i < 2; i++) {
                Machine m = machine_new();
                Links l = LINKS_NULL;

                assert_int_equal(links_up(&p, "x", m.netns, &l, &failure), 0);
                assert_int_equal(l.n_ifindices, 0);
                assert_false(exists(host_rtnl, "mv-lan"));
                set_link(m.rtnl, "mv-lan", 0, NULL, 0, true);
                assert_true(exists(m.rtnl, "mv-the-name-of-the-lan"));
                assert_int_equal(setns(m.netns, CLONE_NEWNET), 0);
                assert_mac("mv-lan", "02:00:00:00:00:03");
                assert_int_equal(setns(host_netns, CLONE_NEWNET), 0);

                machine_done(&m);
                links_down(&p, &l);
        }
        delete_link(host_rtnl, "lan");
}

static void test_links_move(void **state)
{
        LinkOp op = { .kind = LINK_MOVE, .host_name = (char *) "eth7", .container_name = "wan" };
        LinkPlan p = plan_of(&op, 1);
        Machine m = machine_new();
        Links l = LINKS_NULL;
        Failure failure = { 0 };

        make_pair("eth7", "behind");
        set_link(host_rtnl, "eth7", 0, NULL, 0, true);
        assert_int_equal(links_up(&p, "x", m.netns, &l, &failure), 0);
        assert_false(exists(host_rtnl, "eth7"));
        assert_true(exists(m.rtnl, "wan"));

        /* The machine renames it and ends before we do. */
        set_link(m.rtnl, "wan", IFLA_IFNAME, "mine", 5, false);
        set_link(m.rtnl, "mine", 0, NULL, 0, true);
        machine_done(&m);
        links_down(&p, &l);
        assert_true(exists(host_rtnl, "eth7"));
        delete_link(host_rtnl, "eth7");
}

static void assert_alias(const char *name, const char *expected)
{
        RtnlLink link;

        assert_int_equal(rtnl_get_link(host_rtnl, name, &link), 0);
        assert_string_equal(link.alias, expected);
}

/* As udev does for an interface without its own name. */
/* A payload that creates another interface in place of the one that it moved away. */
static void make_bridge_with_index(int rtnl, const char *name, int ifindex)
{
        RtnlRequest q = { 0 };
        char text[RTNL_TEXT_MAX];
        struct nlmsghdr *m = rtnl_add(&q, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, ifindex);
        struct nlattr *info;

        mnl_attr_put_strz(m, IFLA_IFNAME, name);
        info = mnl_attr_nest_start(m, IFLA_LINKINFO);
        mnl_attr_put_str(m, IFLA_INFO_KIND, "bridge");
        mnl_attr_nest_end(m, info);
        assert_int_equal(rtnl_call(rtnl, &q, NULL, text), 0);
}

/* The payload moved it to its own namespace; the kernel returns it to the host when that ends, under its current name. (Only
 * hardware: here the test does it.) */
static void test_links_move_returned_by_the_kernel(void **state)
{
        LinkOp op = { .kind = LINK_MOVE, .host_name = (char *) "eth7", .container_name = "wan" };
        LinkPlan p = plan_of(&op, 1);
        Machine m = machine_new();
        Links l = LINKS_NULL;
        Failure failure = { 0 };
        RtnlLink inside;
        RtnlRequest q = { 0 };
        struct nlmsghdr *request;
        char text[RTNL_TEXT_MAX];

        make_pair("eth7", "behind");
        assert_int_equal(links_up(&p, "x", m.netns, &l, &failure), 0);
        assert_int_equal(rtnl_get_link(m.rtnl, "wan", &inside), 0);
        assert_string_equal(inside.alias, "box:x:eth7");

        request = rtnl_add(&q, RTM_SETLINK, 0, inside.ifindex);
        mnl_attr_put_u32(request, IFLA_NET_NS_FD, (uint32_t) host_netns);
        mnl_attr_put_strz(request, IFLA_IFNAME, "mine");
        assert_int_equal(rtnl_call(m.rtnl, &q, NULL, text), 0);
        add_altname("mine", "eth7");
        make_bridge_with_index(m.rtnl, "fake", inside.ifindex);

        links_down(&p, &l);
        assert_name("eth7", "eth7");
        assert_true(exists(m.rtnl, "fake"));
        assert_false(exists(host_rtnl, "mine"));
        assert_alias("eth7", "");
        delete_link(host_rtnl, "eth7");
        machine_done(&m);
}

/* Found by an alternative name, with or without a name for the machine that it has already; and with a long one for it, which it
 * has no longer on the host. */
static void test_links_move_by_altname(void **state)
{
        static const struct {
                const char *host_name, *container_name, *container_altname, *inside, *also;
        } cases[] = {
                { "an-altname-of-the-nic", "", NULL, "eth7", "an-altname-of-the-nic" },
                { "enx001122334455", "enx001122334455", NULL, "eth7", "enx001122334455" },
                { "eth7", "an-altname-shor", "an-altname-of-the-nic", "eth7", "an-altname-of-the-nic" },
                { "eth7", "wide-area-net12", "wide-area-network", "wide-area-net12", "wide-area-network" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                LinkOp op = { .kind = LINK_MOVE, .host_name = (char *) cases[i].host_name,
                              .container_altname = (char *) cases[i].container_altname };
                LinkPlan p = plan_of(&op, 1);
                Machine m = machine_new();
                Links l = LINKS_NULL;
                Failure failure = { 0 };
                RtnlLink link;

                (void) snprintf(op.container_name, sizeof(op.container_name), "%s", cases[i].container_name);
                make_pair("eth7", "behind");
                add_altname("eth7", "an-altname-of-the-nic");
                add_altname("eth7", "enx001122334455");
                assert_int_equal(links_up(&p, "x", m.netns, &l, &failure), 0);
                assert_int_equal(rtnl_get_link(m.rtnl, cases[i].also, &link), 0);
                assert_string_equal(link.name, cases[i].inside);
                links_down(&p, &l);
                assert_name("eth7", "eth7");
                assert_name("an-altname-of-the-nic", "eth7");
                assert_name("enx001122334455", "eth7");
                assert_false(exists(host_rtnl, "wide-area-network"));
                delete_link(host_rtnl, "eth7");
                machine_done(&m);
        }
}

/* The supervisor was killed, and the interface is on the host under its name in the container: the next start finds it. */
static void test_links_move_after_a_crash(void **state)
{
        LinkOp op = { .kind = LINK_MOVE, .host_name = (char *) "eth7", .container_name = "wan" };
        LinkPlan p = plan_of(&op, 1);
        _cleanup_(problems_done) Problems problems = { 0 };
        Machine m = machine_new();
        Links l = LINKS_NULL;
        Failure failure = { 0 };

        make_pair("wan", "behind");
        assert_int_equal(links_check(&p, "x", NULL, &problems), 0);
        assert_int_equal(problems.n_fatal, 1);
        set_link(host_rtnl, "wan", IFLA_IFALIAS, "box:x:eth7", 11, false);
        problems_done(&problems);
        problems = (Problems) { 0 };
        assert_int_equal(links_check(&p, "x", NULL, &problems), 0);
        assert_int_equal(problems.n_fatal, 0);

        assert_int_equal(links_up(&p, "x", m.netns, &l, &failure), 0);
        assert_true(exists(m.rtnl, "wan"));
        links_down(&p, &l);
        assert_name("eth7", "eth7");
        assert_alias("eth7", "");

        /* The same if udev kept the old name as an alternative one. */
        set_link(host_rtnl, "eth7", IFLA_IFNAME, "wan", 4, false);
        set_link(host_rtnl, "wan", IFLA_IFALIAS, "box:x:eth7", 11, false);
        add_altname("wan", "eth7");
        assert_int_equal(links_up(&p, "x", m.netns, &l, &failure), 0);
        links_down(&p, &l);
        assert_name("eth7", "eth7");
        assert_alias("eth7", "");

        /* An alias of another owner is not changed. */
        set_link(host_rtnl, "eth7", IFLA_IFALIAS, "uplink", 7, false);
        assert_int_equal(links_up(&p, "x", m.netns, &l, &failure), 0);
        links_down(&p, &l);
        assert_alias("eth7", "uplink");
        delete_link(host_rtnl, "eth7");
        machine_done(&m);
}

/* Its name is in use on the host: it returns under another one. */
static void test_links_move_name_taken(void **state)
{
        static const char *const container_names[] = { "eth7", "wan" };

        for (size_t i = 0; i < ARRAY_SIZE(container_names); i++) {
                LinkOp op = { .kind = LINK_MOVE, .host_name = (char *) "eth7" };
                LinkPlan p = plan_of(&op, 1);
                Machine m = machine_new();
                Links l = LINKS_NULL;
                Failure failure = { 0 };

                (void) snprintf(op.container_name, sizeof(op.container_name), "%s", container_names[i]);
                make_pair("eth7", "behind");
                assert_int_equal(links_up(&p, "x", m.netns, &l, &failure), 0);
                assert_true(exists(m.rtnl, container_names[i]));
                make_pair("eth7", "behind2");
                links_down(&p, &l);
                assert_false(exists(host_rtnl, "wan"));
                assert_true(exists(host_rtnl, "dev0") || exists(host_rtnl, "dev1"));
                delete_link(host_rtnl, "behind");
                delete_link(host_rtnl, "eth7");
                machine_done(&m);
        }
}

/* The payload gave it the name of another interface of the host. */
static void test_links_move_with_altnames(void **state)
{
        LinkOp op = { .kind = LINK_MOVE, .host_name = (char *) "eth7", .container_name = "wan" };
        LinkPlan p = plan_of(&op, 1);
        Machine m = machine_new();
        Links l = LINKS_NULL;
        Failure failure = { 0 };

        make_pair("eth7", "behind");
        make_pair("eth0", "behind2");
        assert_int_equal(links_up(&p, "x", m.netns, &l, &failure), 0);
        add_altname_at(m.rtnl, "wan", "eth0");
        for (unsigned i = 0; i < 200; i++) {
                char name[128];

                (void) snprintf(name, sizeof(name), "%0120u", i);
                add_altname_at(m.rtnl, "wan", name);
        }
        links_down(&p, &l);
        assert_name("eth7", "eth7");
        assert_name("eth0", "eth0");
        delete_link(host_rtnl, "eth0");
        delete_link(host_rtnl, "eth7");
        machine_done(&m);
}

/* The second of two fails: links_down() undoes the first, and only that. */
static void test_links_failure_in_the_middle(void **state)
{
        LinkOp ops[3] = { { .kind = LINK_MOVE, .host_name = (char *) "eth7", .container_name = "wan" }, veth_op(),
                          { .kind = LINK_MACVLAN, .host_name = (char *) "gone", .container_name = "mv-gone",
                            .from = { "--network-macvlan=", 0 } } };
        LinkPlan p = plan_of(ops, ARRAY_SIZE(ops));
        Machine m = machine_new();
        Links l = LINKS_NULL;
        Failure failure = { 0 };

        make_pair("eth7", "behind");
        assert_int_equal(links_up(&p, "x", m.netns, &l, &failure), -ENODEV);
        assert_string_equal(failure.text, "--network-macvlan=: Failed to find gone: No such device");
        assert_int_equal(l.n_done, 2);
        links_down(&p, &l);
        assert_true(exists(host_rtnl, "eth7"));
        assert_false(exists(host_rtnl, "ve-x"));
        delete_link(host_rtnl, "eth7");
        machine_done(&m);
}

static void test_links_check(void **state)
{
        LinkOp ops[3] = { veth_op(),
                          { .kind = LINK_MACVLAN, .host_name = (char *) "eth7", .container_name = "mv-eth7",
                            .from = { "/etc/systemd/nspawn/x.nspawn", 12 } },
                          { .kind = LINK_MOVE, .host_name = (char *) "a-name-longer-than-fifteen", .container_name = "",
                            .from = { "/etc/systemd/nspawn/x.nspawn", 13 } } };
        LinkPlan p = plan_of(ops, ARRAY_SIZE(ops));
        _cleanup_(problems_done) Problems problems = { 0 };

        ops[0].bridge = (char *) "lo";
        assert_int_equal(links_check(&p, "x", NULL, &problems), 0);
        assert_int_equal(problems.n_fatal, 3);
        assert_string_equal(problems.items[0].text, "Bridge=lo: not a bridge");
        assert_string_equal(problems.items[1].text,
                            "/etc/systemd/nspawn/x.nspawn:12: MACVLAN=eth7: no such interface");
        assert_string_equal(problems.items[2].text, "/etc/systemd/nspawn/x.nspawn:13: "
                            "Interface=a-name-longer-than-fifteen: no such interface");
}

/* What waits for news of interfaces, in place of an event loop. */
typedef struct Waiting {
        unsigned calls, appears_after;  /* UINT_MAX: never */
        const char *name;
} Waiting;

static int wait_udev(void *userdata, int ifindex)
{
        return 0;
}

static int wait_change(void *userdata, const LinkOp *op, int fd)
{
        Waiting *w = userdata;
        char byte;

        assert_string_equal(op->host_name, "late0");
        if (w->calls++ == 3)
                return -ETIMEDOUT;
        make_pair(w->calls == w->appears_after ? w->name : "other", "behind");
        assert_true(recv(fd, &byte, 1, MSG_DONTWAIT) > 0);
        if (w->calls != w->appears_after)
                delete_link(host_rtnl, "other");
        return 0;
}

/* One that appears meanwhile, by its name or an alternative one; one that does not; a bridge of a zone is created. */
static void test_links_check_waits(void **state)
{
        static const LinkKind kinds[] = { LINK_MACVLAN, LINK_IPVLAN, LINK_MOVE };

        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
                LinkOp op = { .kind = kinds[i], .host_name = (char *) "late0", .container_name = "lan" };
                LinkPlan p = plan_of(&op, 1);
                _cleanup_(problems_done) Problems problems = { 0 };
                Waiting w = { .appears_after = 2, .name = "late0" };
                const LinksWait wait = { wait_udev, wait_change, &w };

                assert_int_equal(links_check(&p, "x", &wait, &problems), 0);
                assert_int_equal(problems.n, 0);
                assert_int_equal(w.calls, 2);
                delete_link(host_rtnl, "late0");

                w = (Waiting) { .appears_after = UINT_MAX };
                assert_int_equal(links_check(&p, "x", &wait, &problems), 0);
                assert_int_equal(problems.n_fatal, 1);
                assert_non_null(strstr(problems.items[0].text, "late0: no such interface"));
                assert_int_equal(w.calls, 4);
        }
}

static void test_links_check_zone(void **state)
{
        LinkOp op = veth_op();
        LinkPlan p = plan_of(&op, 1);
        _cleanup_(problems_done) Problems problems = { 0 };

        op.zone = true;
        op.bridge = (char *) "vz-z";
        assert_int_equal(links_check(&p, "x", NULL, &problems), 0);
        assert_int_equal(problems.n, 0);
        make_pair("vz-z", "behind");
        assert_int_equal(links_check(&p, "x", NULL, &problems), 0);
        assert_int_equal(problems.n_fatal, 1);
        assert_string_equal(problems.items[0].text, "Zone=: interface vz-z exists and is not a bridge");
        delete_link(host_rtnl, "vz-z");
        if (make_bridge("vz-z") < 0)
                skip();
        assert_int_equal(links_check(&p, "x", NULL, &problems), 0);
        assert_int_equal(problems.n_fatal, 1);
        delete_link(host_rtnl, "vz-z");
}

/* The message has the kernel's explanation. */
static void test_links_kernel_text(void **state)
{
        LinkOp op = { .kind = LINK_MOVE, .host_name = (char *) "lo", .container_name = "lo2" };
        LinkPlan p = plan_of(&op, 1);
        Machine m = machine_new();
        Links l = LINKS_NULL;
        Failure failure = { 0 };

        assert_int_equal(links_up(&p, "x", m.netns, &l, &failure), -EINVAL);
        assert_non_null(strstr(failure.text, "Failed to move interface lo: Invalid argument ("));
        links_down(&p, &l);
        machine_done(&m);
}

static void test_links_loopback_up(void **state)
{
        Machine m = machine_new();
        struct ifreq request = { .ifr_name = "lo" };
        Failure failure = { 0 };
        int fd;

        assert_int_equal(setns(m.netns, CLONE_NEWNET), 0);
        assert_int_equal(links_loopback_up(&failure), 0);
        fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        assert_int_equal(ioctl(fd, SIOCGIFFLAGS, &request), 0);
        assert_true(request.ifr_flags & IFF_UP);
        close(fd);
        assert_int_equal(setns(host_netns, CLONE_NEWNET), 0);
        machine_done(&m);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_links_veth),
                cmocka_unit_test(test_links_veth_restarts),
                cmocka_unit_test(test_links_veth_index_reused),
                cmocka_unit_test(test_links_veth_stale),
                cmocka_unit_test(test_links_bridge),
                cmocka_unit_test(test_links_bridge_wrong),
                cmocka_unit_test(test_links_zone),
                cmocka_unit_test(test_links_zone_is_no_bridge),
                cmocka_unit_test(test_links_extra),
                cmocka_unit_test(test_links_ipvlan),
                cmocka_unit_test(test_links_macvlan),
                cmocka_unit_test(test_links_move),
                cmocka_unit_test(test_links_move_returned_by_the_kernel),
                cmocka_unit_test(test_links_move_by_altname),
                cmocka_unit_test(test_links_move_after_a_crash),
                cmocka_unit_test(test_links_move_name_taken),
                cmocka_unit_test(test_links_move_with_altnames),
                cmocka_unit_test(test_links_failure_in_the_middle),
                cmocka_unit_test(test_links_check),
                cmocka_unit_test(test_links_check_waits),
                cmocka_unit_test(test_links_check_zone),
                cmocka_unit_test(test_links_kernel_text),
                cmocka_unit_test(test_links_loopback_up),
        };

        log_setup("test-link", LOG_ERR);
        if (!host_new())
                return 77;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
