/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Real links, between two network namespaces that the test makes for itself in a user namespace of its own: "the host",
 * where it runs, and "the machine". No privilege is needed, and nothing outside is touched. Interfaces to move and to
 * stand on are veth pairs.
 */

#include "test.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <linux/veth.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "container/link.h"
#include "container/rtnl.h"
#include "util/fd.h"
#include "util/log.h"

static int host_netns = -EBADF;
static int host_rtnl = -EBADF;

/* A machine: a fresh namespace with a socket to look into it. */
typedef struct Machine {
        int netns, rtnl;
} Machine;

static int namespace_new(void)
{
        if (unshare(CLONE_NEWNET) < 0)
                return -errno;
        return open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
}

static Machine machine_new(void)
{
        Machine m;

        m.netns = namespace_new();
        assert_true(m.netns >= 0);
        m.rtnl = rtnl_open();
        assert_true(m.rtnl >= 0);
        assert_int_equal(setns(host_netns, CLONE_NEWNET), 0);
        return m;
}

static void machine_done(Machine *m)
{
        close(m->rtnl);
        close(m->netns);
}

/* A veth pair on the host, as "an interface of the host" and "the network behind it". */
static void make_pair(const char *a, const char *b)
{
        char text[RTNL_TEXT_MAX];
        RtnlRequest q = { 0 };
        struct nlmsghdr *m = rtnl_add(&q, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
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

static int make_bridge(const char *name)
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

static void set_link(int rtnl, const char *name, uint16_t type, const void *data, size_t size, bool up)
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

static void delete_link(int rtnl, const char *name)
{
        char text[RTNL_TEXT_MAX];
        RtnlRequest q = { 0 };

        mnl_attr_put_strz(rtnl_add(&q, RTM_DELLINK, 0, 0), IFLA_IFNAME, name);
        assert_int_equal(rtnl_call(rtnl, &q, NULL, text), 0);
}

static bool exists(int rtnl, const char *name)
{
        RtnlLink link;

        return rtnl_get_link(rtnl, name, &link) == 0;
}

static void assert_mac(const char *name, const char *expected)
{
        /* The host's side is read by the old way, not by the code under test. */
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

static LinkOp veth_op(void)
{
        return (LinkOp) {
                .kind = LINK_VETH, .host_name = (char *) "ve-x", .inner_name = "host0",
                .host_mac = { 2, 0, 0, 0, 0, 1 }, .inner_mac = { 2, 0, 0, 0, 0, 2 },
        };
}

static LinkPlan plan_of(LinkOp *ops, size_t n)
{
        return (LinkPlan) { .private_network = true, .ops = ops, .n = n };
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
        assert_int_equal(setns(m.netns, CLONE_NEWNET), 0);
        assert_mac("host0", "02:00:00:00:00:02");
        assert_int_equal(setns(host_netns, CLONE_NEWNET), 0);

        links_down(&p, &l);
        assert_false(exists(host_rtnl, "ve-x"));
        assert_false(exists(m.rtnl, "host0"));
        machine_done(&m);
}

/* Start, stop, start at once: names are free when links_down() returns, also when the namespace went first. */
static void test_links_veth_again_and_again(void **state)
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

static void test_links_veth_stale(void **state)
{
        Machine m = machine_new();
        LinkOp op = veth_op();
        LinkPlan p = plan_of(&op, 1);
        Links l = LINKS_NULL;
        Failure failure = { 0 };

        /* Somebody else's stays. */
        make_pair("ve-x", "other");
        assert_int_equal(links_up(&p, "x", m.netns, &l, &failure), -EEXIST);
        assert_non_null(strstr(failure.text, "ve-x already exists and is not of machine x"));
        links_down(&p, &l);
        assert_true(exists(host_rtnl, "other"));

        /* As does another machine's. */
        set_link(host_rtnl, "ve-x", IFLA_IFALIAS, "box:xx", 7, false);
        assert_int_equal(links_up(&p, "x", m.netns, &l, NULL), -EEXIST);
        links_down(&p, &l);

        /* Ours is replaced. */
        set_link(host_rtnl, "ve-x", IFLA_IFALIAS, "box:x", 6, false);
        failure = (Failure) { 0 };
        assert_int_equal(links_up(&p, "x", m.netns, &l, &failure), 0);
        assert_false(exists(host_rtnl, "other"));
        assert_true(exists(m.rtnl, "host0"));
        links_down(&p, &l);
        machine_done(&m);
}

static void test_links_bridge(void **state)
{
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
        assert_int_equal(rtnl_get_link(host_rtnl, "br0", &bridge), 0);

        op.bridge = (char *) "br0";
        assert_int_equal(links_up(&p, "x", m.netns, &l, &failure), 0);
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
        delete_link(host_rtnl, "br0");
        machine_done(&m);
}

/* A bridge that is none: the veth is not left behind half made, and the error says where the setting stands. */
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
        assert_ptr_equal(strstr(failure.text, "/etc/systemd/nspawn/x.nspawn:7: Failed to make the veth"), failure.text);
        assert_int_equal(l.n_done, 0);
        assert_false(exists(host_rtnl, "ve-x"));
        links_down(&p, &l);
        machine_done(&m);
}

static void test_links_macvlan(void **state)
{
        LinkOp op = { .kind = LINK_MACVLAN, .host_name = (char *) "lan", .inner_name = "mv-lan",
                      .inner_mac = { 2, 0, 0, 0, 0, 3 } };
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
        LinkOp op = { .kind = LINK_MOVE, .host_name = (char *) "eth7", .inner_name = "wan" };
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

/* Its name is in use when it comes back: it comes back all the same. */
static void test_links_move_name_taken(void **state)
{
        LinkOp op = { .kind = LINK_MOVE, .host_name = (char *) "eth7", .inner_name = "eth7" };
        LinkPlan p = plan_of(&op, 1);
        Machine m = machine_new();
        Links l = LINKS_NULL;
        Failure failure = { 0 };

        make_pair("eth7", "behind");
        assert_int_equal(links_up(&p, "x", m.netns, &l, &failure), 0);
        assert_true(exists(m.rtnl, "eth7"));
        make_pair("eth7", "behind2");
        links_down(&p, &l);
        machine_done(&m);
        assert_true(exists(host_rtnl, "dev0") || exists(host_rtnl, "dev1"));
        delete_link(host_rtnl, "behind");
        delete_link(host_rtnl, "eth7");
}

/* The second of two fails: links_down() undoes the first, and only that. */
static void test_links_failure_in_the_middle(void **state)
{
        LinkOp ops[3] = { { .kind = LINK_MOVE, .host_name = (char *) "eth7", .inner_name = "wan" }, veth_op(),
                          { .kind = LINK_MACVLAN, .host_name = (char *) "gone", .inner_name = "mv-gone",
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
                          { .kind = LINK_MACVLAN, .host_name = (char *) "eth7", .inner_name = "mv-eth7",
                            .from = { "/etc/systemd/nspawn/x.nspawn", 12 } },
                          { .kind = LINK_MOVE, .host_name = (char *) "a-name-longer-than-fifteen", .inner_name = "",
                            .from = { "/etc/systemd/nspawn/x.nspawn", 13 } } };
        LinkPlan p = plan_of(ops, ARRAY_SIZE(ops));
        _cleanup_(problems_done) Problems problems = { 0 };

        ops[0].bridge = (char *) "lo";
        assert_int_equal(links_check(&p, &problems), 0);
        assert_int_equal(problems.n_fatal, 2);
        assert_string_equal(problems.items[0].text,
                            "/etc/systemd/nspawn/x.nspawn:12: MACVLAN=eth7: no such interface");
        assert_string_equal(problems.items[1].text, "/etc/systemd/nspawn/x.nspawn:13: "
                            "Interface=a-name-longer-than-fifteen: no such interface");
}

/* The kernel's own words are in the text. */
static void test_links_kernel_text(void **state)
{
        LinkOp op = { .kind = LINK_MOVE, .host_name = (char *) "lo", .inner_name = "lo2" };
        LinkPlan p = plan_of(&op, 1);
        Machine m = machine_new();
        Links l = LINKS_NULL;
        Failure failure = { 0 };

        assert_int_equal(links_up(&p, "x", m.netns, &l, &failure), -EINVAL);
        assert_non_null(strstr(failure.text, "Failed to move into the machine lo: Invalid argument ("));
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
                cmocka_unit_test(test_links_veth_again_and_again),
                cmocka_unit_test(test_links_veth_stale),
                cmocka_unit_test(test_links_bridge),
                cmocka_unit_test(test_links_bridge_wrong),
                cmocka_unit_test(test_links_macvlan),
                cmocka_unit_test(test_links_move),
                cmocka_unit_test(test_links_move_name_taken),
                cmocka_unit_test(test_links_failure_in_the_middle),
                cmocka_unit_test(test_links_check),
                cmocka_unit_test(test_links_kernel_text),
                cmocka_unit_test(test_links_loopback_up),
        };

        log_setup("test-link", LOG_ERR);
        if (unshare(CLONE_NEWUSER) < 0)
                return 77;
        host_netns = namespace_new();
        if (host_netns < 0)
                return 77;
        host_rtnl = rtnl_open();

        return cmocka_run_group_tests(tests, NULL, NULL);
}
