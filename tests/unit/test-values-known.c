/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "test.h"

#include <string.h>

#include "config/values.h"

static int set(const SettingRow *row, const char *text, char *reason)
{
        Settings s;
        int r;

        *reason = 0;
        settings_init(&s);
        r = row->parse(row, text, (Source) {}, &s, reason);
        settings_done(&s);
        return r;
}

/* systemd-nspawn 258 to 261 has them; each says why box does not, and what there is instead. */
static void test_known_by_name(void **state)
{
        static const struct { const char *section, *key, *option; int result; } cases[] = {
                { "Exec", "PrivateUsersDelegate", "private-users-delegate", -EINVAL },
                { "Files", "RootMStack", "mstack", -EINVAL },
                { NULL, NULL, "forward-journal", -EINVAL },
        };
        char reason[SETTING_REASON_MAX];

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const SettingRow *row = settings_table_find_option(cases[i].option);

                assert_non_null(row);
                if (cases[i].key)
                        assert_ptr_equal(settings_table_find_key(cases[i].section, cases[i].key), row);
                assert_int_equal(set(row, "x", reason), cases[i].result);
                assert_true(strlen(reason) > 10);
                assert_int_equal(set(row, "yes", reason), cases[i].result);
                assert_int_equal(set(row, "no", reason), 0);
                assert_int_equal(set(row, "", reason), 0);
        }
}

static void test_values_known_by_name(void **state)
{
        char reason[SETTING_REASON_MAX];

        assert_int_equal(set(settings_table_row(SETTING_PRIVATE_USERS), "managed", reason), -EINVAL);
        assert_non_null(strstr(reason, "use pick"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_known_by_name),
                cmocka_unit_test(test_values_known_by_name),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
