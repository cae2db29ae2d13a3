/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* [Network]: texts and what they become, through the table as every reader goes; and which of several writers is applied where
 * their wishes exclude each other. */

#include "test.h"

#include <stdio.h>

#include "config/settings-table.h"

static char reason[SETTING_REASON_MAX];

static const Source file = { "/etc/systemd/nspawn/t.nspawn", 3 };
static const Source other_file = { "/run/systemd/nspawn/u.nspawn", 1 };
static const Source command_line = { "--switch=", 0 };

static int set_from(Settings *s, SettingId id, const char *text, Source from)
{
        const SettingRow *row = settings_table_row(id);
        int r;

        reason[0] = 0;
        r = row->parse(row, text, from, s, reason);
        if (r >= 0)
                s->from[id] = from;
        return r;
}

static int set(Settings *s, SettingId id, const char *text)
{
        return set_from(s, id, text, file);
}

static int setup(void **state)
{
        static Settings s;

        settings_init(&s);
        *state = &s;
        return 0;
}

static int teardown(void **state)
{
        settings_done(*state);
        return 0;
}

/* 127 and 128 characters. */
#define CHARACTERS_31 "a-name-of-thirty-one-characters"
#define CHARACTERS_127 CHARACTERS_31 "-" CHARACTERS_31 "-" CHARACTERS_31 "-" CHARACTERS_31
static const char long_name[] = CHARACTERS_127, too_long[] = CHARACTERS_127 "x";

static void test_interface_names(void **state)
{
        const char *const bad[] = { too_long, ".", "..", "a/b", "a b:c:d e", "eth%d", "123", "all",
                "default", ":x", "a:", "a:b:c", "\xc3\xa4", "a:1" };
        Settings *s = *state;

        assert_int_equal(set(s, SETTING_MACVLAN, "eth0 a/b:lan"), -EINVAL);
        assert_int_equal(s->macvlan.n, 0);
        /* Alternative names are longer. */
        assert_int_equal(set(s, SETTING_VIRTUAL_ETHERNET_EXTRA, long_name), 0);
        assert_string_equal(s->veth_extra.items[0].host_name, long_name);
        assert_int_equal(set(s, SETTING_MACVLAN, "eth0 fifteencharacte:lan"), 0);
        assert_int_equal(s->macvlan.n, 2);
        assert_null(s->macvlan.items[0].container_name);
        assert_string_equal(s->macvlan.items[1].host_name, "fifteencharacte");
        assert_string_equal(s->macvlan.items[1].container_name, "lan");

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                if (set(s, SETTING_INTERFACE, bad[i]) != -EINVAL)
                        fail_msg("'%s' was taken", bad[i]);
        assert_int_equal(s->interfaces.n, 0);
        assert_int_equal(set(s, SETTING_BRIDGE, "br0"), 0);
        assert_int_equal(set(s, SETTING_BRIDGE, "br/0"), -EINVAL);
        assert_string_equal(s->bridge, "br0");
}

static void test_zone_names(void **state)
{
        Settings *s = *state;

        assert_int_equal(set(s, SETTING_ZONE, long_name), -EINVAL);     /* vz-… */
        assert_int_equal(set(s, SETTING_ZONE, "more-than-twelve-chars"), 0);
        assert_string_equal(s->zone, "more-than-twelve-chars");
        assert_int_equal(set(s, SETTING_ZONE, "twelve-chars"), 0);
        assert_int_equal(set(s, SETTING_ZONE, "a/b"), -EINVAL);
        assert_int_equal(set(s, SETTING_ZONE, "a b"), -EINVAL);
        assert_string_equal(s->zone, "twelve-chars");
        assert_int_equal(set(s, SETTING_ZONE, "1"), 0);
        assert_true(settings_veth(s));

        /* The veth pair is in one bridge, of the last source. A conflict within one source is kept, to be reported. */
        assert_int_equal(set_from(s, SETTING_BRIDGE, "br0", other_file), 0);
        assert_null(s->zone);
        assert_int_equal(set_from(s, SETTING_ZONE, "z", command_line), 0);
        assert_null(s->bridge);
        assert_int_equal(set_from(s, SETTING_BRIDGE, "br0", command_line), 0);
        assert_string_equal(s->zone, "z");
        assert_string_equal(s->bridge, "br0");
        assert_int_equal(set_from(s, SETTING_ZONE, "", other_file), 0);
        assert_null(s->zone);
}

static void test_ports(void **state)
{
        static const char *const bad[] = { "0", "65536", "80:0", "80:", ":80", "TCP:80", "sctp:80", "tcp:", "80:81:82", "80-90",
                "+80", "0x50", "tcp:80 80:81", "123456", "80:123456", "tcp:udp:80", " " };
        Settings *s = *state;

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                if (set(s, SETTING_PORT, bad[i]) != -EINVAL)
                        fail_msg("'%s' was taken", bad[i]);
        assert_int_equal(s->n_ports, 0);

        assert_int_equal(set(s, SETTING_PORT, "8080:80 udp:53"), 0);
        assert_int_equal(set(s, SETTING_PORT, "tcp:53"), 0);
        assert_int_equal(s->n_ports, 3);
        assert_false(s->ports[0].udp);
        assert_int_equal(s->ports[0].host_port, 8080);
        assert_int_equal(s->ports[0].container_port, 80);
        assert_true(s->ports[1].udp);
        assert_int_equal(s->ports[1].container_port, 53);
        assert_false(settings_private_network(s));

        /* A port leads to one place: what the last writer says. */
        assert_int_equal(set(s, SETTING_PORT, "8080:81"), -EINVAL);
        assert_int_equal(set_from(s, SETTING_PORT, "8080:81", other_file), 0);
        assert_int_equal(s->n_ports, 3);
        assert_int_equal(s->ports[0].container_port, 81);
        assert_int_equal(set(s, SETTING_PORT, ""), 0);
        assert_int_equal(s->n_ports, 0);
}

static void test_namespace_path(void **state)
{
        Settings *s = *state;

        assert_int_equal(set(s, SETTING_NAMESPACE_PATH, "run/netns/x"), -EINVAL);
        assert_int_equal(set(s, SETTING_NAMESPACE_PATH, "/run/netns/x"), 0);
        assert_string_equal(s->namespace_path, "/run/netns/x");
        assert_false(settings_private_network(s));

        /* Links and a namespace exclude each other: the last writer's is what is meant. */
        assert_int_equal(set_from(s, SETTING_MACVLAN, "eth0 eth1", command_line), 0);
        assert_null(s->namespace_path);
        assert_int_equal(set_from(s, SETTING_BRIDGE, "br0", command_line), 0);
        assert_int_equal(set_from(s, SETTING_NAMESPACE_PATH, "netns/y", command_line), 0);
        assert_int_equal(s->macvlan.n, 2);
        assert_int_equal(set_from(s, SETTING_NAMESPACE_PATH, "/run/netns/z", other_file), 0);
        assert_int_equal(s->macvlan.n, 0);
        assert_null(s->bridge);
        assert_false(settings_private_network(s));
}

static void test_private_network_follows(void **state)
{
        Settings *s = *state;

        /* One file: any link implies it, as in systemd-nspawn. */
        assert_int_equal(set(s, SETTING_PRIVATE, "no"), 0);
        assert_false(settings_private_network(s));
        assert_int_equal(set(s, SETTING_BRIDGE, "br0"), 0);
        assert_true(settings_private_network(s));
        assert_true(settings_veth(s));

        /* Another writer's Private=no takes the link back. */
        assert_int_equal(set_from(s, SETTING_PRIVATE, "no", other_file), 0);
        assert_false(settings_private_network(s));
        assert_false(settings_veth(s));

        /* And a link that is asked for later still brings it again. */
        assert_int_equal(set_from(s, SETTING_VIRTUAL_ETHERNET, "yes", command_line), 0);
        assert_true(settings_private_network(s));
        assert_int_equal(set_from(s, SETTING_PRIVATE, "yes", command_line), 0);
        assert_int_equal(set_from(s, SETTING_VIRTUAL_ETHERNET, "no", command_line), 0);
        assert_int_equal(set_from(s, SETTING_BRIDGE, "", other_file), 0);
        assert_true(settings_private_network(s));
        assert_false(settings_veth(s));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                CASE(test_interface_names),
                CASE(test_zone_names),
                CASE(test_ports),
                CASE(test_namespace_path),
                CASE(test_private_network_follows),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
