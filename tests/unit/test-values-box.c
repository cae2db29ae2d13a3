/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* [X-Box]'s texts and what they become. */

#include "test.h"

#include <stdio.h>

#include "config/settings-table.h"
#include "image/tree-facts.h"
#include "util/quantity.h"

static char reason[SETTING_REASON_MAX];

static const Source file = { "/etc/systemd/nspawn/t.nspawn", 3 };

static int set(Settings *s, SettingId id, const char *text)
{
        const SettingRow *row = settings_table_row(id);
        int r;

        reason[0] = 0;
        r = row->parse(row, text, file, s, reason);
        if (r >= 0)
                s->from[id] = file;
        return r;
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

/* Every init that box knows can be named, and no other. */
static void test_init_names(void **state)
{
        Settings *s = *state;

        for (int i = 0; i < _INIT_FLAVOUR_MAX; i++) {
                assert_int_equal(set(s, SETTING_INIT, init_flavour_name((InitFlavour) i)), 0);
                assert_int_equal(init_flavour_from_name(s->init), i);
        }
        assert_int_equal(set(s, SETTING_INIT, "upstart"), -EINVAL);
        assert_non_null(strstr(reason, "openrc"));
        assert_int_equal(set(s, SETTING_INIT, "Systemd"), -EINVAL);
        assert_int_equal(set(s, SETTING_INIT, "sbin/init"), -EINVAL);
        assert_string_equal(s->init, init_flavour_name(_INIT_FLAVOUR_MAX - 1));
}

static void test_init_path(void **state)
{
        Settings *s = *state;

        assert_int_equal(set(s, SETTING_INIT, "/opt//init/."), 0);
        assert_string_equal(s->init, "/opt/init");
        assert_int_equal(set(s, SETTING_INIT, "/../init"), -EINVAL);
        assert_int_equal(set(s, SETTING_INIT, ""), 0);
        assert_null(s->init);
}

static void test_stop_timeout(void **state)
{
        Settings *s = *state;

        assert_int_equal(s->stop_timeout_usec, 0);
        assert_int_equal(set(s, SETTING_STOP_TIMEOUT, "1min 30s"), 0);
        assert_int_equal(s->stop_timeout_usec, 90 * 1000000);
        assert_int_equal(set(s, SETTING_STOP_TIMEOUT, "0"), -EINVAL);
        assert_non_null(strstr(reason, "infinity"));
        assert_int_equal(set(s, SETTING_STOP_TIMEOUT, "soon"), -EINVAL);
        assert_int_equal(s->stop_timeout_usec, 90 * 1000000);
        assert_int_equal(set(s, SETTING_STOP_TIMEOUT, "infinity"), 0);
        assert_true(s->stop_timeout_usec == UINT64_MAX);
        assert_int_equal(set(s, SETTING_STOP_TIMEOUT, ""), 0);
        assert_int_equal(s->stop_timeout_usec, 0);
        assert_int_equal(set(s, SETTING_START_TIMEOUT, "10min"), 0);
        assert_int_equal(s->start_timeout_usec, 600 * 1000000);
        assert_int_equal(set(s, SETTING_START_TIMEOUT, "0"), -EINVAL);
        assert_null(strstr(reason, "KillSignal"));
        assert_int_equal(s->start_timeout_usec, 600 * 1000000);
}

static void test_id_map(void **state)
{
        Settings *s = *state;

        assert_int_equal(set(s, SETTING_ID_MAP, "0:700000:1000 1000:1000:1"), 0);
        assert_int_equal(set(s, SETTING_ID_MAP, "1001:701001:64535"), 0);
        assert_int_equal(s->n_id_map, 3);
        assert_int_equal(s->id_map[1].inside, 1000);
        assert_int_equal(s->id_map[1].outside, 1000);
        assert_int_equal(s->id_map[2].count, 64535);
        assert_int_equal(s->id_map[2].from.line, 3);
        assert_int_equal(settings_private_users(s), PRIVATE_USERS_MAP);

        assert_int_equal(set(s, SETTING_ID_MAP, ""), 0);
        assert_int_equal(settings_private_users(s), PRIVATE_USERS_NO);
        assert_int_equal(set(s, SETTING_ID_MAP, "42:1000:1"), 0);
        assert_int_equal(s->n_id_map, 1);
        assert_int_equal(set(s, SETTING_ID_MAP, "4294967294:4294967294:1"), 0);
}

static void test_id_map_refused(void **state)
{
        static const char *const bad[] = {
                "0", "0:1", "0:1:", ":1:1", "0::1", "0:1:1:1", "0:1:0", "a:1:1", "-1:0:1", "0:1:1,x", "0x0:1:1",
                "4294967295:0:1", "0:4294967295:1", "0:4294967294:2", "1:0:4294967295", "0:99999999999:1",
                /* overlaps: with itself inside, on the host, with the line that is there */
                "0:1:2 1:10:1", "0:1:2 5:2:1", "7:1:1", "105:900:1", "900:1005:1",
        };
        Settings *s = *state;

        assert_int_equal(set(s, SETTING_ID_MAP, "100:1000:10 7:7:1"), 0);
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                if (set(s, SETTING_ID_MAP, bad[i]) != -EINVAL)
                        fail_msg("%s is taken", bad[i]);
                assert_true(strlen(reason) > 3);
                assert_int_equal(s->n_id_map, 2);
        }
        assert_int_equal(set(s, SETTING_ID_MAP, "109:5000:1"), -EINVAL);
        assert_string_equal(reason, "109:5000:1 overlaps with 100:1000:10");
}

static void test_id_map_most_lines(void **state)
{
        Settings *s = *state;
        char text[64];

        for (unsigned i = 0; i < 64; i++) {
                (void) snprintf(text, sizeof(text), "%u:%u:1", 2 * i, 2 * i);
                assert_int_equal(set(s, SETTING_ID_MAP, text), 0);
        }
        assert_int_equal(set(s, SETTING_ID_MAP, "1:1:1"), -EINVAL);
}

/* The unit's -U, the file's map; and a map with another way to choose in one file. */
static void test_id_map_and_private_users(void **state)
{
        const SettingRow *users = settings_table_row(SETTING_PRIVATE_USERS);
        static const Source command_line = { "-U", 0 };
        Settings *s = *state;

        assert_int_equal(users->parse(users, "pick", command_line, s, reason), 0);
        s->from[SETTING_PRIVATE_USERS] = command_line;
        assert_int_equal(set(s, SETTING_ID_MAP, "0:1000:1"), 0);
        assert_int_equal(settings_private_users(s), PRIVATE_USERS_MAP);
        assert_int_equal(set(s, SETTING_PRIVATE_USERS, "pick"), -EINVAL);
        assert_int_equal(set(s, SETTING_PRIVATE_USERS, "no"), -EINVAL);
        assert_int_equal(set(s, SETTING_PRIVATE_USERS, "524288"), -EINVAL);

        /* Cleared, the unit's counts again. */
        assert_int_equal(set(s, SETTING_ID_MAP, ""), 0);
        assert_int_equal(settings_private_users(s), PRIVATE_USERS_PICK);

        assert_int_equal(set(s, SETTING_ID_MAP, "0:1000:1"), 0);
        assert_int_equal(set(s, SETTING_PRIVATE_USERS, "yes"), 0);
        assert_int_equal(settings_private_users(s), PRIVATE_USERS_MAP);
        assert_int_equal(users->parse(users, "identity", command_line, s, reason), 0);
        assert_int_equal(settings_private_users(s), PRIVATE_USERS_IDENTITY);
        s->from[SETTING_PRIVATE_USERS] = file;
        assert_int_equal(set(s, SETTING_ID_MAP, "0:1000:1"), -EINVAL);
}

static void test_apparmor_profile(void **state)
{
        static const char *const bad[] = { "-", "two words", "a,b", "\"x\"", "1234", "--", "*", "a\tb" };
        Settings *s = *state;

        assert_int_equal(set(s, SETTING_APPARMOR_PROFILE, "lxc-container-default"), 0);
        assert_string_equal(s->apparmor_profile, "lxc-container-default");
        assert_false(s->apparmor_optional);
        assert_int_equal(set(s, SETTING_APPARMOR_PROFILE, "-:ns:/usr/bin/x//&y"), 0);
        assert_string_equal(s->apparmor_profile, ":ns:/usr/bin/x//&y");
        assert_true(s->apparmor_optional);
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                assert_int_equal(set(s, SETTING_APPARMOR_PROFILE, bad[i]), -EINVAL);
        assert_int_equal(set(s, SETTING_APPARMOR_PROFILE, ""), 0);
        assert_null(s->apparmor_profile);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_init_names, setup, teardown),
                cmocka_unit_test_setup_teardown(test_init_path, setup, teardown),
                cmocka_unit_test_setup_teardown(test_stop_timeout, setup, teardown),
                cmocka_unit_test_setup_teardown(test_apparmor_profile, setup, teardown),
                cmocka_unit_test_setup_teardown(test_id_map, setup, teardown),
                cmocka_unit_test_setup_teardown(test_id_map_refused, setup, teardown),
                cmocka_unit_test_setup_teardown(test_id_map_most_lines, setup, teardown),
                cmocka_unit_test_setup_teardown(test_id_map_and_private_users, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
