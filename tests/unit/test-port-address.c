/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The selection of a machine's address for its ports, among any addresses that the payload sets. */

#include "netns-fixture.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "net/port-address.h"

typedef struct Given {
        const char *address;
        unsigned prefix;
        uint8_t scope;
        uint32_t flags;
} Given;

/* The chosen address as text, "" for none. */
static const char *found(const Machine *m, int family)
{
        static char text[INET6_ADDRSTRLEN];
        PortAddress a = { 0 };
        OwnLinks own;

        assert_int_equal(own_links_read(m->rtnl, host_rtnl, &own), 0);
        assert_int_equal(port_address_find(m->rtnl, host_rtnl, &own, family, &a), 0);
        text[0] = 0;
        if (a.any)
                assert_non_null(inet_ntop(family, a.bytes, text, sizeof(text)));
        return text;
}

static void give(const Machine *m, const char *link, Given g)
{
        int family = strchr(g.address, ':') ? AF_INET6 : AF_INET;
        uint8_t bytes[16];

        assert_int_equal(inet_pton(family, g.address, bytes), 1);
        add_address(m->rtnl, link, family, bytes, g.prefix, g.scope, g.flags);
}

static void take(const Machine *m, const char *link, const char *address, unsigned prefix)
{
        int family = strchr(address, ':') ? AF_INET6 : AF_INET;
        uint8_t bytes[16];

        assert_int_equal(inet_pton(family, address, bytes), 1);
        remove_address(m->rtnl, link, family, bytes, prefix);
}

static void give_host(const char *link, const char *address, unsigned prefix)
{
        int family = strchr(address, ':') ? AF_INET6 : AF_INET;
        uint8_t bytes[16];

        assert_int_equal(inet_pton(family, address, bytes), 1);
        add_address(host_rtnl, link, family, bytes, prefix, RT_SCOPE_UNIVERSE, 0);
}

static void route(const char *link, const char *to, unsigned prefix, const char *gateway)
{
        int family = strchr(to, ':') ? AF_INET6 : AF_INET;
        uint8_t bytes[16], by[16];

        assert_int_equal(inet_pton(family, to, bytes), 1);
        if (gateway)
                assert_int_equal(inet_pton(family, gateway, by), 1);
        add_route(host_rtnl, link, family, bytes, prefix, gateway ? by : NULL);
}

static void test_the_first_global_one(void **state)
{
        Machine m = machine_new();

        connect_machine(&m, "ve-x", "host0");
        connect_machine(&m, "e1", "i1");
        give_host("e1", "10.2.0.254", 24);
        give_host("ve-x", "10.1.0.254", 24);
        give_host("ve-x", "fd00:1::fe", 64);
        assert_string_equal(found(&m, AF_INET), "");
        give(&m, "i1", (Given) { "10.2.0.2", 24, RT_SCOPE_UNIVERSE, 0 });
        assert_string_equal(found(&m, AF_INET), "10.2.0.2");
        give(&m, "host0", (Given) { "169.254.3.3", 16, RT_SCOPE_LINK, 0 });
        assert_string_equal(found(&m, AF_INET), "10.2.0.2");
        give(&m, "host0", (Given) { "10.1.0.2", 24, RT_SCOPE_UNIVERSE, 0 });
        assert_string_equal(found(&m, AF_INET), "10.1.0.2");
        give(&m, "host0", (Given) { "10.1.0.1", 24, RT_SCOPE_UNIVERSE, 0 });    /* a secondary one */
        assert_string_equal(found(&m, AF_INET), "10.1.0.2");
        take(&m, "host0", "10.1.0.2", 24);
        assert_string_equal(found(&m, AF_INET), "10.2.0.2");

        give(&m, "host0", (Given) { "fd00:1::2", 64, 0, 0 });
        assert_string_equal(found(&m, AF_INET6), "fd00:1::2");
        take(&m, "host0", "fd00:1::2", 64);
        assert_string_equal(found(&m, AF_INET6), "");
        delete_link(host_rtnl, "ve-x");
        delete_link(host_rtnl, "e1");
        machine_done(&m);
}

/* Addresses of the host, and invalid ones, are refused. */
static void test_hostile_addresses(void **state)
{
        static const Given bad[] = {
                { "127.0.0.5", 8, RT_SCOPE_UNIVERSE, 0 },
                { "10.9.0.1", 24, RT_SCOPE_UNIVERSE, 0 },               /* the host has it */
                { "::ffff:10.1.0.2", 128, 0, 0 },
                { "fd00:9::1", 64, 0, 0 },                              /* the host has it */
        };
        Machine m = machine_new();

        connect_machine(&m, "ve-x", "host0");
        give_host("ve-x", "10.9.0.1", 24);
        give_host("ve-x", "fd00:9::1", 64);

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                give(&m, "host0", bad[i]);
                assert_string_equal(found(&m, AF_INET), "");
                assert_string_equal(found(&m, AF_INET6), "");
        }

        /* A valid one among them is found. */
        give(&m, "host0", (Given) { "10.9.0.2", 24, RT_SCOPE_UNIVERSE, 0 });
        assert_string_equal(found(&m, AF_INET), "10.9.0.2");
        delete_link(host_rtnl, "ve-x");
        machine_done(&m);
}

/* Addresses that the host reaches by the link of another machine, by an uplink, or not at all. */
static void test_addresses_behind_other_links(void **state)
{
        static const char *const foreign[] = { "10.5.0.2", "10.6.0.2", "192.0.2.7", "fd00:5::2", "2001:db8::7" };
        Machine m = machine_new(), other = machine_new();

        connect_machine(&m, "ve-x", "host0");
        connect_machine(&other, "ve-y", "host0");
        make_pair("eth7", "behind");
        give_host("ve-x", "10.1.0.1", 24);
        give_host("ve-y", "10.5.0.1", 24);
        give_host("ve-y", "fd00:5::1", 64);
        give_host("eth7", "10.6.0.1", 24);
        give_host("eth7", "fd00:6::1", 64);
        set_link(host_rtnl, "behind", 0, NULL, 0, true);
        route("eth7", "2001:db8::", 32, "fd00:6::fe");
        give(&other, "host0", (Given) { "10.5.0.2", 24, RT_SCOPE_UNIVERSE, 0 });
        assert_string_equal(found(&other, AF_INET), "10.5.0.2");

        for (size_t i = 0; i < ARRAY_SIZE(foreign); i++) {
                give(&m, "host0", (Given) { foreign[i], strchr(foreign[i], ':') ? 64 : 24, RT_SCOPE_UNIVERSE, 0 });
                assert_string_equal(found(&m, AF_INET), "");
                assert_string_equal(found(&m, AF_INET6), "");
        }

        /* One among them that leads to the machine is found, and others once the host routes them there. */
        give(&m, "host0", (Given) { "10.1.0.2", 24, RT_SCOPE_UNIVERSE, 0 });
        assert_string_equal(found(&m, AF_INET), "10.1.0.2");
        route("ve-x", "192.0.2.0", 24, "10.1.0.2");
        route("ve-x", "2001:db8::7", 128, NULL);
        assert_string_equal(found(&m, AF_INET), "192.0.2.7");
        assert_string_equal(found(&m, AF_INET6), "2001:db8::7");

        delete_link(host_rtnl, "ve-x");
        delete_link(host_rtnl, "ve-y");
        delete_link(host_rtnl, "eth7");
        machine_done(&m);
        machine_done(&other);
}

/* In a bridge: its subnet, but nothing behind a router in it. What the host has on top of it counts as the bridge. */
static void test_addresses_by_a_bridge(void **state)
{
        Machine m = machine_new();
        RtnlLink bridge;

        connect_machine(&m, "vb-x", "host0");
        assert_int_equal(make_bridge("br0"), 0);
        assert_int_equal(rtnl_get_link(host_rtnl, "br0", &bridge), 0);
        set_link(host_rtnl, "vb-x", IFLA_MASTER, &bridge.ifindex, sizeof(bridge.ifindex), false);
        give_host("br0", "10.7.0.1", 24);
        make_on_top(host_rtnl, "br0", "on-br0", -1);
        give_host("on-br0", "10.8.0.1", 24);
        route("br0", "192.0.2.0", 24, "10.7.0.254");

        give(&m, "host0", (Given) { "192.0.2.7", 24, RT_SCOPE_UNIVERSE, 0 });
        assert_string_equal(found(&m, AF_INET), "");
        give(&m, "host0", (Given) { "10.8.0.2", 24, RT_SCOPE_UNIVERSE, 0 });
        assert_string_equal(found(&m, AF_INET), "10.8.0.2");
        take(&m, "host0", "10.8.0.2", 24);
        give(&m, "host0", (Given) { "10.7.0.2", 24, RT_SCOPE_UNIVERSE, 0 });
        assert_string_equal(found(&m, AF_INET), "10.7.0.2");

        /* No longer in the bridge. */
        bridge.ifindex = 0;
        set_link(host_rtnl, "vb-x", IFLA_MASTER, &bridge.ifindex, sizeof(bridge.ifindex), false);
        assert_string_equal(found(&m, AF_INET), "");
        delete_link(host_rtnl, "vb-x");
        delete_link(host_rtnl, "br0");
        machine_done(&m);
}

/* By the host's own macvlan on the same parent. */
static void test_addresses_by_a_macvlan(void **state)
{
        Machine m = machine_new();

        make_pair("eth7", "behind");
        set_link(host_rtnl, "eth7", 0, NULL, 0, true);
        set_link(host_rtnl, "behind", 0, NULL, 0, true);
        make_on_top(host_rtnl, "eth7", "mv-eth7", m.netns);
        make_on_top(host_rtnl, "eth7", "shim", -1);
        give_host("shim", "10.7.0.1", 24);
        give_host("behind", "10.8.0.1", 24);
        give(&m, "mv-eth7", (Given) { "10.8.0.2", 24, RT_SCOPE_UNIVERSE, 0 });
        assert_string_equal(found(&m, AF_INET), "");
        give(&m, "mv-eth7", (Given) { "10.7.0.2", 24, RT_SCOPE_UNIVERSE, 0 });
        assert_string_equal(found(&m, AF_INET), "10.7.0.2");
        delete_link(host_rtnl, "eth7");
        machine_done(&m);
}

static void test_too_many(void **state)
{
        Machine m = machine_new();

        connect_machine(&m, "ve-x", "host0");
        give_host("ve-x", "10.0.0.254", 8);
        for (unsigned i = 1; i < 200; i++) {
                char text[32];

                (void) snprintf(text, sizeof(text), "10.%u.0.1", i);
                give(&m, "host0", (Given) { text, 24, RT_SCOPE_UNIVERSE, 0 });
        }
        assert_string_equal(found(&m, AF_INET), "10.1.0.1");
        delete_link(host_rtnl, "ve-x");
        machine_done(&m);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_the_first_global_one),
                cmocka_unit_test(test_hostile_addresses),
                cmocka_unit_test(test_addresses_behind_other_links),
                cmocka_unit_test(test_addresses_by_a_bridge),
                cmocka_unit_test(test_addresses_by_a_macvlan),
                cmocka_unit_test(test_too_many),
        };

        if (!host_new())
                return 77;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
