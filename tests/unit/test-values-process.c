/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Texts of [Exec]'s settings about the payload's first process, through the table as every reader goes. */

#include "test.h"

#include <stdio.h>

#include "config/settings-table.h"

static char reason[SETTING_REASON_MAX];

static const Source file = { "/etc/systemd/nspawn/t.nspawn", 3 };
static const Source command_line = { "--switch=", 0 };

static int set(Settings *s, SettingId id, const char *text)
{
        const SettingRow *row = settings_table_row(id);

        reason[0] = 0;
        return row->parse(row, text, row->key ? file : command_line, s, reason);
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

static void test_user(void **state)
{
        static const char *const good[] = { "root", "www-data", "a.b_c$", "0", "1000", "12:34", "müller", "user@domain" };
        static const char *const bad[] = {
                "a b", "a:b", "1:", ":1", "1:2:3", "65535:0", "0:4294967295", "-u", "~x", "a/b", "x\n", "\xff",
        };
        Settings *s = *state;

        for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
                assert_int_equal(set(s, SETTING_USER, good[i]), 0);
                assert_string_equal(s->user, good[i]);
        }
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                assert_int_equal(set(s, SETTING_USER, bad[i]), -EINVAL);
                assert_string_equal(s->user, "user@domain");
        }
        assert_int_equal(set(s, SETTING_USER, ""), 0);
        assert_null(s->user);
}

static void test_pivot_root(void **state)
{
        static const char *const bad[] = { "a", "/a:b", "/a:", ":/a", "/a:/b:/c", "/a/../b", "/a:/", "/a\\" };
        Settings *s = *state;

        assert_int_equal(set(s, SETTING_PIVOT_ROOT, "/ostree/deploy//x/:/sysroot"), 0);
        assert_string_equal(s->pivot_root_new, "/ostree/deploy/x");
        assert_string_equal(s->pivot_root_old, "/sysroot");
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                assert_int_equal(set(s, SETTING_PIVOT_ROOT, bad[i]), -EINVAL);
                assert_string_equal(s->pivot_root_new, "/ostree/deploy/x");
                assert_string_equal(s->pivot_root_old, "/sysroot");
        }
        assert_int_equal(set(s, SETTING_PIVOT_ROOT, "/with\\:colon"), 0);
        assert_string_equal(s->pivot_root_new, "/with:colon");
        assert_null(s->pivot_root_old);
        assert_int_equal(set(s, SETTING_PIVOT_ROOT, ""), 0);
        assert_null(s->pivot_root_new);
}

static void test_ambient_capability(void **state)
{
        Settings *s = *state;

        assert_int_equal(set(s, SETTING_AMBIENT_CAPABILITY, "CAP_KILL"), 0);
        assert_int_equal(set(s, SETTING_AMBIENT_CAPABILITY, "all"), -EINVAL);
        assert_non_null(strstr(reason, "each"));
        assert_int_equal(s->ambient_capability, 1 << 5);
}

static void test_limits_by_key(void **state)
{
        Settings *s = *state;

        assert_int_equal(set(s, SETTING_LIMIT_NOFILE, "5:6"), 0);
        assert_true(s->rlimits[RLIMIT_NOFILE].set);
        assert_int_equal(s->rlimits[RLIMIT_NOFILE].value.rlim_cur, 5);
        assert_int_equal(s->rlimits[RLIMIT_NOFILE].value.rlim_max, 6);
        assert_int_equal(set(s, SETTING_LIMIT_NOFILE, "7:6"), -EINVAL);
        assert_non_null(strstr(reason, "soft"));
        assert_int_equal(s->rlimits[RLIMIT_NOFILE].value.rlim_cur, 5);
        assert_int_equal(set(s, SETTING_LIMIT_NOFILE, ""), 0);
        assert_false(s->rlimits[RLIMIT_NOFILE].set);

        for (int i = 0; i < RLIM_NLIMITS; i++) {
                assert_int_equal(set(s, settings_limit_id(i), "1"), 0);
                assert_true(s->rlimits[i].set);
        }
}

static void test_limits_by_switch(void **state)
{
        static const char *const bad[] = { "NOFILE", "NOFILE=x", "=5", "FILES=5", "nofile=5" };
        Settings *s = *state;

        assert_int_equal(set(s, SETTING_RLIMIT, "NOFILE=5:6"), 0);
        assert_int_equal(set(s, SETTING_RLIMIT, "LimitCORE=infinity"), 0);
        assert_int_equal(s->rlimits[RLIMIT_NOFILE].value.rlim_max, 6);
        assert_true(s->rlimits[RLIMIT_CORE].value.rlim_max == RLIM_INFINITY);
        assert_string_equal(s->from[SETTING_LIMIT_NOFILE].where, "--switch=");

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                assert_int_equal(set(s, SETTING_RLIMIT, bad[i]), -EINVAL);
        assert_int_equal(set(s, SETTING_RLIMIT, "NOFILE="), 0);
        assert_false(s->rlimits[RLIMIT_NOFILE].set);
        assert_true(s->rlimits[RLIMIT_CORE].set);
        assert_int_equal(set(s, SETTING_RLIMIT, ""), 0);
        assert_false(s->rlimits[RLIMIT_CORE].set);
}

static void test_oom_score(void **state)
{
        static const struct { const char *text; int score; } good[] = {
                { "0", 0 }, { "-1000", -1000 }, { "1000", 1000 }, { "+5", 5 }, { "-0", 0 },
        };
        static const char *const bad[] = { "1001", "-1001", "x", "-", "+", "--5", "5 ", "99999999999" };
        Settings *s = *state;

        assert_int_equal(s->oom_score_adjust, OOM_SCORE_UNSET);
        for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
                assert_int_equal(set(s, SETTING_OOM_SCORE_ADJUST, good[i].text), 0);
                assert_int_equal(s->oom_score_adjust, good[i].score);
        }
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                assert_int_equal(set(s, SETTING_OOM_SCORE_ADJUST, bad[i]), -EINVAL);
        assert_int_equal(set(s, SETTING_OOM_SCORE_ADJUST, ""), 0);
        assert_int_equal(s->oom_score_adjust, OOM_SCORE_UNSET);
}

/* Lines add up; one with a mistake adds nothing. */
static void test_cpu_affinity(void **state)
{
        _cleanup_free_ char *text = NULL;
        Settings *s = *state;

        assert_int_equal(set(s, SETTING_CPU_AFFINITY, "0-1 4,7"), 0);
        assert_int_equal(set(s, SETTING_CPU_AFFINITY, "9"), 0);
        assert_int_equal(set(s, SETTING_CPU_AFFINITY, "20 3-2"), -EINVAL);
        assert_int_equal(set(s, SETTING_CPU_AFFINITY, "8192"), -EINVAL);
        text = cpu_set_to_text(&s->cpu_affinity);
        assert_string_equal(text, "0-1,4,7,9");
        assert_int_equal(set(s, SETTING_CPU_AFFINITY, ""), 0);
        assert_true(cpu_set_is_empty(&s->cpu_affinity));
}

static void test_personality(void **state)
{
        Settings *s = *state;

        assert_int_equal(set(s, SETTING_PERSONALITY, "vax"), -EINVAL);
        assert_non_null(strstr(reason, "unknown architecture"));
        assert_int_equal(set(s, SETTING_PERSONALITY, "tilegx"), -EINVAL);
        assert_non_null(strstr(reason, "kernel supports"));
        assert_null(s->personality);
}

static void test_accepted(void **state)
{
        Settings *s = *state;

        assert_int_equal(set(s, SETTING_BACKGROUND, "48;5;17"), 0);
        assert_int_equal(set(s, SETTING_BACKGROUND, "red"), -EINVAL);
        assert_int_equal(set(s, SETTING_NO_PAGER, "yes"), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        const struct CMUnitTest tests[] = {
                TEST(test_user),
                TEST(test_pivot_root),
                TEST(test_ambient_capability),
                TEST(test_limits_by_key),
                TEST(test_limits_by_switch),
                TEST(test_oom_score),
                TEST(test_cpu_affinity),
                TEST(test_personality),
                TEST(test_accepted),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
