/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Samples are found, described, and read. */

#include "tree-fixture.h"

#include "ctl/samples.h"

static void expect_about(const char *text, const char *about)
{
        _cleanup_free_ char *got = sample_about(text);

        assert_string_equal(got, about);
}

static void test_about(void **state)
{
        expect_about("# SPDX-License-Identifier: X\n#\n# A server. With more\n# words.\n", "A server.");
        expect_about("# SPDX-License-Identifier: X\n#\n# A database beside\n# others\n#\n#   cp it\n",
                     "A database beside others");
        expect_about("#Short: v1.2 of it\n[Exec]\n# Not this. Nor this\n", "Short: v1.2 of it");
        expect_about("[Exec]\nBoot=no\n", "");
        expect_about("", "");
        expect_about("# SPDX-License-Identifier: X", "");
}

static void test_list_and_read(void **state)
{
        const Tree *t = *state;
        _cleanup_free_ char *text = NULL;
        Sample *list = NULL;
        Failure f = { 0 };
        size_t n = 0;

        assert_int_equal(samples_list(t->path, &list, &n, &f), -ENOENT);
        tree_fixture_file(t, "web.nspawn", "# A server.\n");
        tree_fixture_file(t, "database.nspawn", "# A database.\n");
        tree_fixture_file(t, "README", "no sample");
        f = (Failure) { 0 };
        assert_int_equal(samples_list(t->path, &list, &n, &f), 0);
        assert_int_equal(n, 2);
        assert_string_equal(list[0].name, "database");
        assert_string_equal(list[0].about, "A database.");
        assert_string_equal(list[1].name, "web");
        samples_free(list, n);

        assert_int_equal(sample_read(t->path, "web", &text, &f), 0);
        assert_string_equal(text, "# A server.\n");
        static const char *const wrong[] = { "wep", "../web", "", "web.nspawn/../web", "README" };
        for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
                f = (Failure) { 0 };
                assert_int_equal(sample_read(t->path, wrong[i], &text, &f), -EINVAL);
                assert_non_null(strstr(f.text, "there are: database, web"));
                assert_int_equal(strstr(f.text, "did you mean web?") != NULL, i == 0);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_about),
                TREE_TEST(test_list_and_read),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
