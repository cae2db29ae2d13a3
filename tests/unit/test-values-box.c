/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* [X-Box]'s texts and what they become. */

#include "test.h"

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
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_init_names, setup, teardown),
                cmocka_unit_test_setup_teardown(test_init_path, setup, teardown),
                cmocka_unit_test_setup_teardown(test_stop_timeout, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
