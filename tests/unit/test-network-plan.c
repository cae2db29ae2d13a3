/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Plans of networks as text, and conflicts, with the places of both settings. */

#include "test.h"

#include <stdio.h>

#include "net/network-plan.h"

static const uint8_t host_id[16] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };

static const Source line3 = { "x.nspawn", 3 }, line4 = { "x.nspawn", 4 };

static int setup(void **state)
{
        static Settings s;

        settings_init(&s);
        *state = &s;
        return 0;
}

static void assert_printed(const NetworkPlan *p, const char *expected)
{
        _cleanup_free_ char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        assert_non_null(f);
        assert_int_equal(network_plan_print(p, f), 0);
        assert_int_equal(fclose(f), 0);
        assert_string_equal(text, expected);
}

/* Makes a plan and compares its text, or (expected NULL) the only problem. */
static void assert_plan(const Settings *s, const uint8_t *mac, const char *expected, const char *problem)
{
        _cleanup_(network_plan_done) NetworkPlan p = { 0 };
        _cleanup_(problems_done) Problems problems = { 0 };

        assert_int_equal(network_plan_make(s, "x", host_id, mac, &p, &problems), 0);
        assert_int_equal(problems.n, problem ? 1 : 0);
        if (problem)
                assert_string_equal(problems.items[0].text, problem);
        if (expected)
                assert_printed(&p, expected);
}

static void test_zone_conflicts_with_bridge(void **state)
{
        Settings *s = *state;

        s->zone = (char *) "z";
        s->from[SETTING_ZONE] = line4;
        assert_plan(s, NULL, "  veth vb-x (0a:07:e7:59:21:93) <-> host0 (1e:8e:0d:b5:d5:08), bridge vz-z of the zone\n", NULL);
        s->bridge = (char *) "br0";
        s->from[SETTING_BRIDGE] = line3;
        assert_plan(s, NULL, NULL, "x.nspawn:4: Zone=z: conflicts with Bridge=br0 (x.nspawn:3)");
}

static void test_ports(void **state)
{
        PortSetting ports[] = { { false, 8080, 80, line3 }, { true, 53, 53, line4 } };
        Settings *s = *state;

        s->ports = ports;
        s->n_ports = ARRAY_SIZE(ports);
        assert_plan(s, NULL, NULL, "x.nspawn:3: Port=8080: needs a private network, for example VirtualEthernet=yes");
        ports[0].from = (Source) { .where = "--port=" };
        assert_plan(s, NULL, NULL, "--port=: Port=8080: needs a private network, for example --network-veth");
        ports[0].from = line3;
        s->private_network = NO;
        s->from[SETTING_PRIVATE] = line4;
        assert_plan(s, NULL, NULL, "x.nspawn:3: Port=8080: needs a private network, conflicts with Private=no (x.nspawn:4)");
        s->private_network = YES;
        assert_plan(s, NULL, "  tcp port 8080 of the host -> 80\n  udp port 53 of the host -> 53\n", NULL);
}

static void test_namespace(void **state)
{
        InterfaceSetting parent = { .host_name = (char *) "eth0", .from = line4 };
        _cleanup_(network_plan_done) NetworkPlan p = { 0 };
        Settings *s = *state;
        Problems problems = { 0 };

        s->namespace_path = (char *) "/run/netns/x";
        s->from[SETTING_NAMESPACE_PATH] = line3;
        assert_plan(s, NULL, "  join /run/netns/x\n", NULL);

        /* With Private=yes the machine may configure it, but it is not a new one. */
        s->private_network = YES;
        assert_int_equal(network_plan_make(s, "x", host_id, NULL, &p, &problems), 0);
        assert_true(p.is_private);
        assert_false(network_plan_is_new(&p));
        s->private_network = UNSET;

        s->ipvlan = (InterfaceList) { &parent, 1 };
        s->from[SETTING_IPVLAN] = line4;
        assert_plan(s, NULL, NULL, "x.nspawn:3: NamespacePath=/run/netns/x: conflicts with links, as of IPVLAN= (x.nspawn:4)");
        s->ipvlan.n = 0;

        /* A later source's Private=no replaces it. */
        s->private_network = NO;
        s->from[SETTING_PRIVATE] = (Source) { "other.conf", 1 };
        assert_plan(s, NULL, "", NULL);
}

static void test_mac_from_the_environment(void **state)
{
        static const uint8_t mac[6] = { 2, 3, 4, 5, 6, 7 };
        InterfaceSetting extra = { .host_name = (char *) "e1", .from = line4 };
        Settings *s = *state;

        s->virtual_ethernet = YES;
        s->veth_extra = (InterfaceList) { &extra, 1 };
        assert_plan(s, mac,
                    "  veth ve-x (0a:07:e7:59:21:93) <-> host0 (02:03:04:05:06:07)\n"
                    "  veth e1 (3e:d5:e1:1e:13:bc) <-> e1 (72:08:be:5a:d8:82)\n", NULL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(test_zone_conflicts_with_bridge, setup),
                cmocka_unit_test_setup(test_ports, setup),
                cmocka_unit_test_setup(test_namespace, setup),
                cmocka_unit_test_setup(test_mac_from_the_environment, setup),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
