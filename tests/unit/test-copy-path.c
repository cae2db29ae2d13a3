/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Words of `boxctl cp`: which are in a machine, and where a path is split. */

#include "test.h"

#include "ctl/copy-path.h"

static void assert_path(const char *word, const char *machine, const char *path, bool is_stream)
{
        _cleanup_(copy_path_done) CopyPath p = { 0 };
        Failure f = { 0 };

        if (copy_path_parse(word, &p, &f) < 0)
                fail_msg("%s: %s", word, f.text);
        if (machine)
                assert_string_equal(p.machine, machine);
        else
                assert_null(p.machine);
        assert_string_equal(p.path, path);
        assert_int_equal(p.is_stream, is_stream);
}

static void test_machines(void **state)
{
        assert_path("web:/etc", "web", "/etc", false);
        assert_path("web:etc/x", "web", "etc/x", false);
        assert_path("web:", "web", "/", false);
        assert_path("web.example:/a:b", "web.example", "/a:b", false);
        assert_path("web:-", "web", "-", false);
        assert_path("web:..", "web", "..", false);
}

static void test_host(void **state)
{
        assert_path("x", NULL, "x", false);
        assert_path("/srv/a:b", NULL, "/srv/a:b", false);
        assert_path("./a:b", NULL, "./a:b", false);
        assert_path("../a:b", NULL, "../a:b", false);
        assert_path(":x", NULL, ":x", false);
        assert_path(".host:/etc", NULL, "/etc", false);
        assert_path("-", NULL, "-", true);
        assert_path("./-", NULL, "./-", false);
}

static void test_refused(void **state)
{
        static const char *const words[] = { "", ".host:", "..:/x", "we b:/x", "a\nb:/x", "\x1b[2J:/x", "-web:/x", ".web:/x" };

        for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
                CopyPath p = { 0 };
                Failure f = { 0 };

                assert_int_equal(copy_path_parse(words[i], &p, &f), -EINVAL);
                assert_true(*f.text);
                assert_null(strchr(f.text, '\n'));
                assert_null(p.path);
        }
}

static void test_splits(void **state)
{
        static const struct {
                const char *path, *directory, *name;
        } rows[] = {
                { "/etc/hosts", "/etc/", "hosts" }, { "hosts", ".", "hosts" }, { "/x", "/", "x" }, { "a/b/", "a/", "b" },
                { "a/b///", "a/", "b" }, { "/", "/", "" }, { "//", "//", "" }, { ".", ".", "" }, { "..", "..", "" },
                { "a/.", "a/.", "" }, { "a/../", "a/../", "" }, { "a/...", "a/", "..." }, { "a/.b", "a/", ".b" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_free_ char *directory = NULL, *name = NULL;

                assert_int_equal(copy_path_split(rows[i].path, &directory, &name), 0);
                assert_string_equal(directory, rows[i].directory);
                assert_string_equal(name, rows[i].name);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_machines),
                cmocka_unit_test(test_host),
                cmocka_unit_test(test_refused),
                cmocka_unit_test(test_splits),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
