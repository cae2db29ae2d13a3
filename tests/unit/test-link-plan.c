/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The names and addresses in here are what systemd-nspawn 252 gave on a host with the machine id host_id. */

#include "test.h"

#include <stdio.h>

#include "net/link-plan.h"

static const uint8_t host_id[16] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };

static void assert_printed(const LinkPlan *p, const char *expected)
{
        _cleanup_free_ char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        assert_non_null(f);
        assert_int_equal(link_plan_print(p, f), 0);
        assert_int_equal(fclose(f), 0);
        assert_string_equal(text, expected);
}

/* Makes a plan and compares its text, or (expected NULL) the only problem. */
static void assert_plan(const Settings *s, const char *machine, const char *expected, const char *problem)
{
        _cleanup_(link_plan_done) LinkPlan p = { 0 };
        _cleanup_(problems_done) Problems problems = { 0 };

        assert_int_equal(link_plan_make(s, machine, host_id, &p, &problems), 0);
        assert_int_equal(problems.n, problem ? 1 : 0);
        if (problem)
                assert_string_equal(problems.items[0].text, problem);
        if (expected)
                assert_printed(&p, expected);
}

static Settings veth_settings(void)
{
        Settings s;

        settings_init(&s);
        s.virtual_ethernet = YES;
        return s;
}

static void test_link_plan_veth(void **state)
{
        Settings s = veth_settings();

        assert_plan(&s, "gentoo", "  veth ve-gentoo (f2:ae:fe:a1:3d:dc) <-> host0 (46:ad:b2:04:08:43)\n", NULL);
}

static void test_link_plan_veth_long_name(void **state)
{
        Settings s = veth_settings();

        assert_plan(&s, "web-server-number-1",
                    "  veth ve-web-servglet (d6:6c:0d:31:63:18) <-> host0 (ee:f5:ae:d1:c8:cb), "
                    "also named ve-web-server-number-1\n", NULL);
}

static void test_link_plan_bridge(void **state)
{
        Settings s = veth_settings();

        s.bridge = (char *) "br0";
        assert_plan(&s, "web-server-number-1",
                    "  veth vb-web-servGaeJ (d6:6c:0d:31:63:18) <-> host0 (ee:f5:ae:d1:c8:cb), bridge br0, "
                    "also named vb-web-server-number-1\n", NULL);
}

static void test_link_plan_zone(void **state)
{
        Settings s = veth_settings();

        s.zone = (char *) "lab";
        assert_plan(&s, "web-server-number-1",
                    "  veth vb-web-servGaeJ (d6:6c:0d:31:63:18) <-> host0 (ee:f5:ae:d1:c8:cb), bridge vz-lab of the zone, "
                    "also named vb-web-server-number-1\n", NULL);
}

/* As by systemd-nspawn 257 for a machine named bb on a host with this id. */
static void test_link_plan_extra(void **state)
{
        static const uint8_t id[16] = { 0xc0, 0xe1, 0x40, 0xa6, 0xa7, 0x38, 0x4e, 0x11, 0x8a, 0x39, 0xeb, 0xee, 0x78, 0x74,
                                        0x0b, 0x11 };
        InterfaceSetting extra[] = { { .host_name = (char *) "e1", .container_name = (char *) "i1" },
                                     { .host_name = (char *) "e2" } };
        InterfaceSetting ipvlan[] = { { .host_name = (char *) "d0" },
                                      { .host_name = (char *) "d1", .container_name = (char *) "wan" },
                                      { .host_name = (char *) "enp0s31f6fault" } };
        _cleanup_(link_plan_done) LinkPlan p = { 0 };
        _cleanup_(problems_done) Problems problems = { 0 };
        Settings s;

        settings_init(&s);
        s.veth_extra = (InterfaceList) { extra, ARRAY_SIZE(extra) };
        s.ipvlan = (InterfaceList) { ipvlan, ARRAY_SIZE(ipvlan) };
        assert_int_equal(link_plan_make(&s, "bb", id, &p, &problems), 0);
        assert_int_equal(problems.n, 0);
        assert_printed(&p, "  veth e1 (7a:a0:ba:dd:b6:98) <-> i1 (c6:e4:0e:94:26:4d)\n"
                           "  veth e2 (c6:50:d7:bc:b4:05) <-> e2 (ca:9f:37:58:65:56)\n"
                           "  ipvlan iv-d0 on d0\n"
                           "  ipvlan wan on d1\n"
                           "  ipvlan iv-enp0s31fDw_G on enp0s31f6fault, also named iv-enp0s31f6fault\n");
}

static void test_link_plan_macvlan(void **state)
{
        InterfaceSetting macvlan[] = {
                { .host_name = (char *) "d0" },
                { .host_name = (char *) "d2", .container_name = (char *) "lan" },
                { .host_name = (char *) "enp0s31f6fault" },
        };
        Settings s;

        settings_init(&s);
        s.macvlan.items = macvlan;
        s.macvlan.n = ARRAY_SIZE(macvlan);
        assert_plan(&s, "web-server-number-1",
                    "  macvlan mv-d0 (f2:3f:c8:8d:d5:f5) on d0\n"
                    "  macvlan lan (a2:fe:5a:e0:bb:07) on d2\n"
                    "  macvlan mv-enp0s31fP_na (72:b9:74:29:7e:5a) on enp0s31f6fault, also named mv-enp0s31f6fault\n", NULL);
        assert_plan(&s, "gentoo",
                    "  macvlan mv-d0 (96:dc:3c:4a:29:f8) on d0\n"
                    "  macvlan lan (62:c6:00:1a:28:30) on d2\n"
                    "  macvlan mv-enp0s31fP_na (6a:01:e2:3c:fc:e4) on enp0s31f6fault, also named mv-enp0s31f6fault\n", NULL);
}

static void test_link_plan_move(void **state)
{
        InterfaceSetting interfaces[] = {
                { .host_name = (char *) "eth7" },
                { .host_name = (char *) "eth8", .container_name = (char *) "wan" },
        };
        Settings s;

        settings_init(&s);
        s.interfaces.items = interfaces;
        s.interfaces.n = ARRAY_SIZE(interfaces);
        assert_plan(&s, "x", "  move eth7 -> eth7\n  move eth8 -> wan\n", NULL);
}

/* Names of more than 15 characters: of what is created, shortened and kept as alternative names; of what exists, as they are. */
static void test_link_plan_long_names(void **state)
{
        InterfaceSetting extra[] = { { .host_name = (char *) "a-long-name-outside",
                                       .container_name = (char *) "a-long-name-inside" },
                                     { .host_name = (char *) "a-long-name-for-both" } };
        InterfaceSetting macvlan[] = { { .host_name = (char *) "parent-with-altname", .container_name = (char *) "lan" },
                                       { .host_name = (char *) "p", .container_name = (char *) "a-long-name-of-a-lan" } };
        InterfaceSetting interfaces[] = { { .host_name = (char *) "nic-with-an-altname" },
                                          { .host_name = (char *) "eth8", .container_name = (char *) "wide-area-network" } };
        _cleanup_(link_plan_done) LinkPlan p = { 0 };
        _cleanup_(problems_done) Problems problems = { 0 };
        Settings s = veth_settings();

        s.zone = (char *) "laboratory-number-one";
        s.veth_extra = (InterfaceList) { extra, ARRAY_SIZE(extra) };
        s.macvlan = (InterfaceList) { macvlan, ARRAY_SIZE(macvlan) };
        s.interfaces = (InterfaceList) { interfaces, ARRAY_SIZE(interfaces) };
        assert_int_equal(link_plan_make(&s, "x", host_id, &p, &problems), 0);
        assert_int_equal(problems.n, 0);
        assert_int_equal(p.n, 7);
        assert_string_equal(p.ops[0].host_name, "nic-with-an-altname");
        assert_string_equal(p.ops[0].container_name, "");
        assert_string_equal(p.ops[1].container_altname, "wide-area-network");
        assert_int_equal(strlen(p.ops[1].container_name), 15);
        assert_string_equal(p.ops[2].bridge_altname, "vz-laboratory-number-one");
        assert_int_equal(strncmp(p.ops[2].bridge, "vz-laborato", 11), 0);
        assert_int_equal(strlen(p.ops[2].bridge), 15);
        assert_string_equal(p.ops[3].host_altname, "a-long-name-outside");
        assert_string_equal(p.ops[3].container_altname, "a-long-name-inside");
        assert_int_equal(strlen(p.ops[3].host_name), 15);
        assert_string_equal(p.ops[4].host_altname, "a-long-name-for-both");
        assert_string_equal(p.ops[4].container_altname, "a-long-name-for-both");
        assert_string_equal(p.ops[5].host_name, "parent-with-altname");
        assert_null(p.ops[5].container_altname);
        assert_string_equal(p.ops[6].container_altname, "a-long-name-of-a-lan");
}

static void test_link_plan_host_network(void **state)
{
        Settings s = veth_settings();

        /* The unit's switch is replaced by the machine's file. */
        s.from[SETTING_VIRTUAL_ETHERNET] = (Source) { "--network-veth", 0 };
        s.private_network = NO;
        s.from[SETTING_PRIVATE] = (Source) { "x.nspawn", 2 };
        assert_plan(&s, "x", "", NULL);
}

static void test_link_plan_problems(void **state)
{
        static const struct {
                InterfaceSetting macvlan, interface;
                const char *problem;
        } cases[] = {
                { { .host_name = (char *) "e/h" }, { 0 }, "x.nspawn:3: MACVLAN=e/h: invalid interface name" },
                { { .host_name = (char *) "12" }, { 0 }, "x.nspawn:3: MACVLAN=12: invalid interface name" },
                { { .host_name = (char *) "" }, { 0 }, "x.nspawn:3: MACVLAN=: invalid interface name" },
                { { .host_name = (char *) "d0", .container_name = (char *) "a/b" }, { 0 },
                  "x.nspawn:3: MACVLAN=d0:a/b: invalid interface name in the machine" },
                { { .host_name = (char *) "d0", .container_name = (char *) "host0" }, { 0 },
                  "x.nspawn:3: MACVLAN=d0: the machine has another interface named host0" },
                { { .host_name = (char *) "d0" }, { .host_name = (char *) "d0" },
                  "x.nspawn:7: Interface=d0: MACVLAN=d0 needs it on the host" },
                { { .host_name = (char *) "d0" }, { .host_name = (char *) "br0" },
                  "x.nspawn:7: Interface=br0: Bridge=br0 needs it on the host" },
                { { .host_name = (char *) "d0" }, { .host_name = (char *) "lo" },
                  "x.nspawn:7: Interface=lo: the loopback interface cannot be used" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                InterfaceSetting macvlan = cases[i].macvlan, interface = cases[i].interface;
                Settings s = veth_settings();

                s.bridge = (char *) "br0";
                macvlan.from = (Source) { "x.nspawn", 3 };
                interface.from = (Source) { "x.nspawn", 7 };
                s.macvlan.items = &macvlan;
                s.macvlan.n = 1;
                s.interfaces.items = &interface;
                s.interfaces.n = interface.host_name ? 1 : 0;
                assert_plan(&s, "x", NULL, cases[i].problem);
        }
}

/* Two veth pairs cannot have the same name on either side. */
static void test_link_plan_extra_problems(void **state)
{
        InterfaceSetting extra[] = {
                { .host_name = (char *) "e1", .container_name = (char *) "i1", .from = { "x.nspawn", 3 } },
                { .host_name = (char *) "e1", .container_name = (char *) "i2", .from = { "x.nspawn", 4 } },
        };
        Settings s;

        settings_init(&s);
        s.veth_extra = (InterfaceList) { extra, ARRAY_SIZE(extra) };
        assert_plan(&s, "x", NULL, "x.nspawn:4: VirtualEthernetExtra=e1: the machine has another link of that name on the "
                                   "host");
        s.virtual_ethernet = YES;
        s.veth_extra.n = 1;
        extra[0].host_name = (char *) "ve-x";
        assert_plan(&s, "x", NULL, "x.nspawn:3: VirtualEthernetExtra=ve-x: the machine has another link of that name on the "
                                   "host");
        extra[0].host_name = (char *) "e1";
        extra[0].container_name = (char *) "host0";
        assert_plan(&s, "x", NULL, "x.nspawn:3: VirtualEthernetExtra=e1: the machine has another interface named host0");
}

static void test_link_plan_moved_twice(void **state)
{
        InterfaceSetting interfaces[] = {
                { .host_name = (char *) "eth7", .from = { "x.nspawn", 3 } },
                { .host_name = (char *) "eth7", .container_name = (char *) "b", .from = { "x.nspawn", 4 } },
        };
        Settings s;

        settings_init(&s);
        s.interfaces.items = interfaces;
        s.interfaces.n = ARRAY_SIZE(interfaces);
        assert_plan(&s, "x", NULL, "x.nspawn:4: Interface=eth7: specified twice");
}

static void test_link_name_boundary(void **state)
{
        char name[IF_NAMESIZE];
        bool cut;

        link_name("ve-", "abcdefghijkl", name, &cut);
        assert_false(cut);
        assert_string_equal(name, "ve-abcdefghijkl");
        link_name("ve-", "abcdefghijklm", name, &cut);
        assert_true(cut);
        assert_int_equal(strlen(name), 15);
        assert_memory_equal(name, "ve-abcdefgh", 11);
}

static void test_link_mac_bits(void **state)
{
        uint8_t key[16] = { 0 }, first[6], mac[6];

        link_mac(host_id, "x", key, 0, first);
        for (uint64_t i = 1; i < 64; i++) {
                link_mac(host_id, "x", key, i, mac);
                assert_int_equal(mac[0] & 3, 2);
                assert_memory_not_equal(mac, first, 6);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_link_plan_veth),
                cmocka_unit_test(test_link_plan_veth_long_name),
                cmocka_unit_test(test_link_plan_bridge),
                cmocka_unit_test(test_link_plan_zone),
                cmocka_unit_test(test_link_plan_extra),
                cmocka_unit_test(test_link_plan_extra_problems),
                cmocka_unit_test(test_link_plan_macvlan),
                cmocka_unit_test(test_link_plan_move),
                cmocka_unit_test(test_link_plan_long_names),
                cmocka_unit_test(test_link_plan_host_network),
                cmocka_unit_test(test_link_plan_problems),
                cmocka_unit_test(test_link_plan_moved_twice),
                cmocka_unit_test(test_link_name_boundary),
                cmocka_unit_test(test_link_mac_bits),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
