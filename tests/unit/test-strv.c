/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "test.h"

#include "util/strv.h"

static void test_strv_env_set_replaces(void **state)
{
        _cleanup_strv_ char **v = NULL;

        assert_int_equal(strv_env_set(&v, "A", "1"), 0);
        assert_int_equal(strv_env_set(&v, "AB", "2"), 0);
        assert_int_equal(strv_env_set(&v, "A", "3"), 0);
        assert_int_equal(strv_length(v), 2);
        assert_string_equal(strv_env_get(v, "A"), "3");
        assert_string_equal(strv_env_get(v, "AB"), "2");
        assert_null(strv_env_get(v, "B"));
        assert_true(strv_contains(v, "AB=2"));
}

static void test_strv_consume_null(void **state)
{
        _cleanup_strv_ char **v = NULL;

        assert_int_equal(strv_consume(&v, NULL), -ENOMEM);
        assert_int_equal(strv_length(v), 0);
}

static void test_array_append_grows(void **state)
{
        struct item { int a, b; } *items = NULL;
        size_t n = 0;

        for (int i = 0; i < 100; i++) {
                struct item *x = array_append(&items, &n, sizeof(*items));

                assert_non_null(x);
                assert_int_equal(x->a, 0);
                x->a = i;
        }
        for (int i = 0; i < 100; i++)
                assert_int_equal(items[i].a, i);
        free(items);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_strv_env_set_replaces),
                cmocka_unit_test(test_strv_consume_null),
                cmocka_unit_test(test_array_append_grows),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
