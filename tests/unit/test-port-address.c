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

        assert_int_equal(port_address_find(m->rtnl, host_rtnl, family, &a), 0);
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

static void test_the_first_global_one(void **state)
{
        Machine m = machine_new();

        connect_machine(&m, "ve-x", "host0");
        connect_machine(&m, "e1", "i1");
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
        uint8_t bytes[16];

        connect_machine(&m, "ve-x", "host0");
        assert_int_equal(inet_pton(AF_INET, "10.9.0.1", bytes), 1);
        add_address(host_rtnl, "ve-x", AF_INET, bytes, 24, RT_SCOPE_UNIVERSE, 0);
        assert_int_equal(inet_pton(AF_INET6, "fd00:9::1", bytes), 1);
        add_address(host_rtnl, "ve-x", AF_INET6, bytes, 64, 0, 0);

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

static void test_too_many(void **state)
{
        Machine m = machine_new();

        connect_machine(&m, "ve-x", "host0");
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
                cmocka_unit_test(test_too_many),
        };

        if (!host_new())
                return 77;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
