/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "test.h"

#include "image/machine-name.h"

static void test_names(void **state)
{
        assert_true(machine_name_is_valid("deb12"));
        assert_true(machine_name_is_valid("a-b.example.org"));
        assert_false(machine_name_is_valid(""));
        assert_false(machine_name_is_valid(".host"));
        assert_false(machine_name_is_valid("a_b"));             /* machined would refuse it */
        assert_false(machine_name_is_valid("../../etc"));
        assert_non_null(strstr(machine_name_problem("a/b"), "letters"));
}

static void test_unit(void **state)
{
        _cleanup_free_ char *unit = machine_unit_name("a-b.c");

        assert_string_equal(unit, "box@a-b.c.service");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_unit),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
