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

/* Compared with systemd-nspawn's names. */
static void test_clean(void **state)
{
        static const struct { const char *file, *name; } cases[] = {
                { "deb12", "deb12" }, { "my_tree.v2", "mytree.v2" }, { "Debian 12 (stable)", "Debian12stable" },
                { "a..b", "a.b" }, { ".hidden", "hidden" }, { "-x-", "x" }, { "a.-b", "a.b" }, { "a-.b", "a-b" },
                { "x...", "x" }, { "x--", "x" }, { "caf\303\251", "caf" }, { "___", "" }, { "", "" }, { "-", "" },
        };
        char many[100];

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_free_ char *name = machine_name_clean(cases[i].file);

                assert_string_equal(name, cases[i].name);
                assert_int_equal(machine_name_is_valid(name), *name != 0);
        }

        for (size_t n = 60; n < sizeof(many); n++) {
                _cleanup_free_ char *name = NULL;

                memset(many, 'a', n);
                many[n] = 0;
                many[63] = '-';
                name = machine_name_clean(many);
                assert_int_equal(strlen(name), n < 63 ? n : 63);
                assert_true(machine_name_is_valid(name));
        }
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
                cmocka_unit_test(test_clean),
                cmocka_unit_test(test_unit),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
