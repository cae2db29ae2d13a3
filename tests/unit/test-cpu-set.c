/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "test.h"

#include "util/cpu-set.h"

static void test_cpu_set_add_and_text(void **state)
{
        static const struct { const char *ranges[4], *text; } cases[] = {
                { {}, "" }, { { "0" }, "0" }, { { "5", "0-3" }, "0-3,5" }, { { "1", "2", "2-3" }, "1-3" },
                { { "63-65" }, "63-65" }, { { "8191" }, "8191" }, { { "0-8191" }, "0-8191" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_free_ char *text = NULL;
                CpuSet set = {};

                for (size_t j = 0; j < ARRAY_SIZE(cases[i].ranges) && cases[i].ranges[j]; j++)
                        assert_int_equal(cpu_set_add(&set, cases[i].ranges[j]), 0);
                assert_int_equal(cpu_set_is_empty(&set), !cases[i].ranges[0]);
                text = cpu_set_to_text(&set);
                assert_string_equal(text, cases[i].text);
        }
}

static void test_cpu_set_refused(void **state)
{
        static const struct { const char *range; int r; } cases[] = {
                { "", -EINVAL }, { "-", -EINVAL }, { "0-", -EINVAL }, { "-3", -EINVAL }, { "a", -EINVAL }, { "0-3-5", -EINVAL },
                { "1-0", -EILSEQ }, { "8192", -ERANGE }, { "0-8192", -ERANGE }, { "99999999999999999999", -ERANGE },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                CpuSet set = {};

                assert_int_equal(cpu_set_add(&set, cases[i].range), cases[i].r);
                assert_true(cpu_set_is_empty(&set));
        }
        assert_false(cpu_set_has(&(CpuSet) {}, UINT32_MAX));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_cpu_set_add_and_text),
                cmocka_unit_test(test_cpu_set_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
