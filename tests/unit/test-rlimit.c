/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "test.h"

#include "util/rlimit.h"

#define INF RLIM_INFINITY

static void test_rlimit_names(void **state)
{
        for (int i = 0; i < RLIM_NLIMITS; i++) {
                assert_non_null(rlimit_name(i));
                assert_int_equal(rlimit_find(rlimit_name(i)), i);
        }
        assert_int_equal(rlimit_find("LimitNOFILE"), RLIMIT_NOFILE);
        assert_int_equal(rlimit_find("RLIMIT_NOFILE"), RLIMIT_NOFILE);
        assert_int_equal(rlimit_find("Nofile"), -EINVAL);
        assert_int_equal(rlimit_find("LimitLimitNOFILE"), -EINVAL);
        assert_int_equal(rlimit_find(""), -EINVAL);
}

static void test_rlimit_parse_values(void **state)
{
        static const struct { int resource; const char *text; rlim_t soft, hard; } cases[] = {
                { RLIMIT_NOFILE, "1024", 1024, 1024 }, { RLIMIT_NOFILE, "1024:4096", 1024, 4096 },
                { RLIMIT_NOFILE, "16:infinity", 16, INF }, { RLIMIT_CORE, "infinity", INF, INF }, { RLIMIT_CORE, "0", 0, 0 },
                { RLIMIT_STACK, "8M:1G", 8 << 20, 1 << 30 }, { RLIMIT_STACK, "1.5K", 1536, 1536 },
                { RLIMIT_CPU, "90", 90, 90 }, { RLIMIT_CPU, "1min:1h", 60, 3600 }, { RLIMIT_CPU, "1500ms", 2, 2 },
                { RLIMIT_RTTIME, "200", 200, 200 }, { RLIMIT_RTTIME, "1s:2s", 1000000, 2000000 },
                { RLIMIT_NICE, "15", 15, 15 }, { RLIMIT_NICE, "40", 40, 40 }, { RLIMIT_NICE, "+5", 15, 15 },
                { RLIMIT_NICE, "-20", 40, 40 }, { RLIMIT_NICE, "+19:-5", 1, 25 }, { RLIMIT_NICE, "+0", 20, 20 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct rlimit v = { 1, 2 };

                assert_int_equal(rlimit_parse(cases[i].resource, cases[i].text, &v), 0);
                assert_int_equal(v.rlim_cur, cases[i].soft);
                assert_int_equal(v.rlim_max, cases[i].hard);
        }
}

/* As systemd-nspawn refuses them. */
static void test_rlimit_parse_refused(void **state)
{
        static const struct { int resource; const char *text; int r; } cases[] = {
                { RLIMIT_STACK, "", -EINVAL }, { RLIMIT_STACK, ":", -EINVAL }, { RLIMIT_STACK, "5:", -EINVAL },
                { RLIMIT_STACK, ":5", -EINVAL }, { RLIMIT_STACK, "5:6:7", -EINVAL }, { RLIMIT_STACK, "1k", -EINVAL },
                { RLIMIT_STACK, "-1", -EINVAL }, { RLIMIT_STACK, "0x10", -EINVAL }, { RLIMIT_STACK, " 5", -EINVAL },
                { RLIMIT_STACK, "6:5", -EILSEQ }, { RLIMIT_STACK, "infinity:5", -EILSEQ },
                { RLIMIT_STACK, "1000000000000000000000", -ERANGE }, { RLIMIT_NOFILE, "18446744073709551615", -ERANGE },
                { RLIMIT_NOFILE, "1K", -EINVAL }, { RLIMIT_NPROC, "5K", -EINVAL }, { RLIMIT_CPU, "1K", -EINVAL },
                { RLIMIT_NICE, "infinity", -EINVAL }, { RLIMIT_NICE, "41", -ERANGE }, { RLIMIT_NICE, "+20", -ERANGE },
                { RLIMIT_NICE, "-21", -ERANGE }, { RLIMIT_NICE, "+-5", -EINVAL }, { RLIMIT_NICE, "-", -EINVAL },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct rlimit v = { 1, 2 };

                assert_int_equal(rlimit_parse(cases[i].resource, cases[i].text, &v), cases[i].r);
                assert_int_equal(v.rlim_cur, 1);
                assert_int_equal(v.rlim_max, 2);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rlimit_names),
                cmocka_unit_test(test_rlimit_parse_values),
                cmocka_unit_test(test_rlimit_parse_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
