/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tree-fixture.h"

#include "image/tree-remove.h"

static bool exists(const Tree *t, const char *path)
{
        struct stat st;

        return fstatat(t->fd, path, &st, AT_SYMLINK_NOFOLLOW) >= 0;
}

static void test_all_is_removed(void **state)
{
        const Tree *t = *state;

        tree_fixture_file(t, "gone/a/b/file", "x");
        tree_fixture_file(t, "gone/.hidden/file", "x");
        tree_fixture_link(t, "gone/dangling", "/nowhere");
        assert_int_equal(mknodat(t->fd, "gone/fifo", S_IFIFO | 0600, 0), 0);
        tree_fixture_file(t, "stays/file", "x");

        assert_int_equal(tree_remove(t->fd, "gone"), 0);
        assert_false(exists(t, "gone"));
        assert_true(exists(t, "stays/file"));

        assert_int_equal(tree_remove(t->fd, "stays/file"), 0);
        assert_false(exists(t, "stays/file"));
        assert_int_equal(tree_remove(t->fd, "gone"), -ENOENT);
}

static void test_links_are_not_followed(void **state)
{
        const Tree *t = *state;

        tree_fixture_file(t, "outside/file", "x");
        tree_fixture_link(t, "gone/dir", "../outside");
        tree_fixture_link(t, "gone/file", "../outside/file");
        tree_fixture_link(t, "link", "outside");

        assert_int_equal(tree_remove(t->fd, "gone"), 0);
        assert_int_equal(tree_remove(t->fd, "link"), 0);
        assert_true(exists(t, "outside/file"));
        assert_false(exists(t, "link"));
}

/* Far more directories in each other than a process can have open. */
static void test_deep(void **state)
{
        const Tree *t = *state;
        int fd;

        assert_int_equal(mkdirat(t->fd, "deep", 0755), 0);
        fd = openat(t->fd, "deep", O_PATH | O_DIRECTORY | O_CLOEXEC);
        for (unsigned i = 0; i < 3000; i++) {
                int next;

                assert_int_equal(mkdirat(fd, "d", 0755), 0);
                if (i % 500 == 0)
                        assert_int_equal(mkdirat(fd, "box-deep-0", 0755), 0);
                next = openat(fd, "d", O_PATH | O_DIRECTORY | O_CLOEXEC);
                fd_close(fd);
                fd = next;
                assert_true(fd >= 0);
        }
        fd_close(fd);

        assert_int_equal(tree_remove(t->fd, "deep"), 0);
        assert_false(exists(t, "deep"));
}

/* The rest is removed although one file cannot be. */
static void test_goes_on_after_a_failure(void **state)
{
        static const char *const paths[] = { "gone", "gone/a", "gone/b", "gone/c", NULL };
        const Tree *t = *state;

        tree_fixture_file(t, "gone/a/file", "x");
        tree_fixture_file(t, "gone/b/file", "x");
        tree_fixture_file(t, "gone/c/file", "x");
        assert_int_equal(fchmodat(t->fd, "gone/b", 0500, 0), 0);

        tree_fixture_become_somebody(t, paths);
        assert_int_equal(tree_remove(t->fd, "gone"), -EACCES);
        tree_fixture_become_oneself();
        assert_false(exists(t, "gone/a"));
        assert_true(exists(t, "gone/b/file"));
        assert_false(exists(t, "gone/c"));
        assert_int_equal(fchmodat(t->fd, "gone/b", 0700, 0), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TREE_TEST(test_all_is_removed),
                TREE_TEST(test_links_are_not_followed),
                TREE_TEST(test_deep),
                TREE_TEST(test_goes_on_after_a_failure),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
