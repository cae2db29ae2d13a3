/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Credentials as they are written. */

#include "test.h"

#include "config/assignment.h"
#include "config/values.h"

static char reason[SETTING_REASON_MAX];

static int set(Settings *s, SettingId id, const char *text)
{
        const SettingRow *row = settings_table_row(id);

        reason[0] = 0;
        return row->parse(row, text, (Source) { "--x=", 0 }, s, reason);
}

static void test_set_credential(void **state)
{
        Settings s;

        settings_init(&s);
        assert_int_equal(set(&s, SETTING_SET_CREDENTIAL, "a:b:c\\n"), 0);
        assert_int_equal(set(&s, SETTING_SET_CREDENTIAL, "empty:"), 0);
        assert_int_equal(set(&s, SETTING_SET_CREDENTIAL, "bytes:\\x00\\xff"), 0);
        assert_int_equal(s.n_credentials, 3);
        assert_string_equal(s.credentials[0].id, "a");
        assert_string_equal(s.credentials[0].data, "b:c\n");
        assert_int_equal(s.credentials[1].size, 0);
        assert_int_equal(s.credentials[2].size, 2);
        assert_memory_equal(s.credentials[2].data, "\0\xff", 2);

        assert_int_equal(set(&s, SETTING_SET_CREDENTIAL, "a:again"), -EINVAL);
        assert_int_equal(set(&s, SETTING_LOAD_CREDENTIAL, "a:/again"), -EINVAL);
        assert_int_equal(set(&s, SETTING_SET_CREDENTIAL, "secret"), -EINVAL);
        assert_null(strstr(reason, "secret"));
        assert_int_equal(set(&s, SETTING_SET_CREDENTIAL, "x:secret\\q"), -EINVAL);
        assert_null(strstr(reason, "secret"));
        assert_int_equal(s.n_credentials, 3);
        settings_done(&s);
}

static void test_load_credential(void **state)
{
        Settings s;

        settings_init(&s);
        assert_int_equal(set(&s, SETTING_LOAD_CREDENTIAL, "a:/run//x"), 0);
        assert_int_equal(set(&s, SETTING_LOAD_CREDENTIAL, "b:ours"), 0);
        assert_string_equal(s.credentials[0].path, "/run/x");
        assert_string_equal(s.credentials[1].path, "ours");
        assert_null(s.credentials[1].data);
        assert_int_equal(set(&s, SETTING_LOAD_CREDENTIAL, "c"), -EINVAL);
        assert_int_equal(set(&s, SETTING_LOAD_CREDENTIAL, "c:"), -EINVAL);
        assert_int_equal(set(&s, SETTING_LOAD_CREDENTIAL, "c:../x"), -EINVAL);
        assert_int_equal(set(&s, SETTING_LOAD_CREDENTIAL, "c:/a/../x"), -EINVAL);

        /* Each switch clears its own. */
        assert_int_equal(set(&s, SETTING_SET_CREDENTIAL, "c:value"), 0);
        assert_int_equal(set(&s, SETTING_LOAD_CREDENTIAL, ""), 0);
        assert_int_equal(s.n_credentials, 1);
        assert_string_equal(s.credentials[0].id, "c");
        assert_int_equal(set(&s, SETTING_SET_CREDENTIAL, ""), 0);
        assert_int_equal(s.n_credentials, 0);
        settings_done(&s);
}

static void test_credential_id(void **state)
{
        static const char *const good[] = { "a", "ssh.authorized_keys.root", "..a", "with space" };
        static const char *const bad[] = { "", ".", "..", "a/b", "a:b", "a\nb", "\xc3\xa9", "\x7f" };
        char longest[258];

        for (size_t i = 0; i < ARRAY_SIZE(good); i++)
                assert_true(credential_id_is_valid(good[i]));
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                assert_false(credential_id_is_valid(bad[i]));
        memset(longest, 'x', sizeof(longest));
        longest[255] = 0;
        assert_true(credential_id_is_valid(longest));
        longest[255] = 'x', longest[256] = 0;
        assert_false(credential_id_is_valid(longest));
}

/* A mistake is reported without the value. */
static void test_value_is_not_quoted(void **state)
{
        _cleanup_(problems_done) Problems problems = {};
        Assignments a = { .trusted = true };
        Settings s;

        settings_init(&s);
        assert_int_equal(assignments_add(&a, settings_table_row(SETTING_SET_CREDENTIAL), "..:hunter2",
                                         (Source) { "--set-credential=", 0 }), 0);
        assert_int_equal(assignments_apply(&a, NULL, &s, &problems), 0);
        assert_int_equal(problems.n_fatal, 1);
        assert_null(strstr(problems.items[0].text, "hunter2"));
        assert_non_null(strstr(problems.items[0].text, "--set-credential="));
        assignments_done(&a);
        settings_done(&s);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_set_credential),
                cmocka_unit_test(test_load_credential),
                cmocka_unit_test(test_credential_id),
                cmocka_unit_test(test_value_is_not_quoted),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
