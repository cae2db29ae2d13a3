/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tree-fixture.h"

#include <poll.h>
#include <sys/file.h>

#include "image/scratch-dir.h"

static bool exists(const Tree *t, const char *path)
{
        struct stat st;

        return fstatat(t->fd, path, &st, AT_SYMLINK_NOFOLLOW) >= 0;
}

static void test_make_and_remove(void **state)
{
        ScratchDir a = SCRATCH_DIR_NULL, b = SCRATCH_DIR_NULL;
        const Tree *t = *state;
        char *name;
        struct stat st;

        assert_int_equal(scratch_dir_make(t->fd, ".#x.", &a), 0);
        assert_int_equal(scratch_dir_make(t->fd, ".#x.", &b), 0);
        assert_string_not_equal(a.name, b.name);
        assert_int_equal(strncmp(a.name, ".#x.", 4), 0);
        assert_int_equal(strlen(a.name), 4 + 16);
        /* b's coming has not taken a for a leftover. */
        assert_int_equal(fstatat(t->fd, a.name, &st, 0), 0);
        assert_int_equal(st.st_mode & 07777, 0700);

        name = strdup(a.name);
        assert_int_equal(mkdirat(a.fd, "sub", 0755), 0);
        assert_int_equal(scratch_dir_remove(&a), 0);
        assert_false(exists(t, name));
        free(name);
        assert_int_equal(scratch_dir_remove(&a), 0);
        assert_int_equal(scratch_dir_remove(&b), 0);

        /* In one whose set-group-id bit new directories get, too. */
        assert_int_equal(chmod(t->path, 02755), 0);
        assert_int_equal(scratch_dir_make(t->fd, ".#x.", &a), 0);
        assert_int_equal(scratch_dir_remove(&a), 0);
}

static void test_leftovers_go(void **state)
{
        static const char *const stay[] = {
                ".#x.0123456789abcde", ".#x.0123456789abcdeff", ".#x.0123456789ABCDEF", ".#xy.0123456789abcdef",
                ".#x.y.0123456789abcdef", ".#x.fedcba9876543210",
        };
        _cleanup_close_ int held = -EBADF;
        ScratchDir a = SCRATCH_DIR_NULL;
        const Tree *t = *state;

        assert_int_equal(mkdirat(t->fd, ".#x.0123456789abcdef", 0700), 0);
        tree_fixture_file(t, ".#x.0123456789abcdef/sub/file", "x");
        for (size_t i = 0; i < ARRAY_SIZE(stay); i++)
                assert_int_equal(mkdirat(t->fd, stay[i], 0700), 0);
        /* One is in use, one has permissions for other users, one is a link. */
        held = openat(t->fd, ".#x.fedcba9876543210", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(flock(held, LOCK_EX), 0);
        assert_int_equal(mkdirat(t->fd, ".#x.1111111111111111", 0755), 0);
        tree_fixture_file(t, "elsewhere/file", "x");
        assert_int_equal(fchmodat(t->fd, "elsewhere", 0700, 0), 0);
        tree_fixture_link(t, ".#x.2222222222222222", "elsewhere");

        assert_int_equal(scratch_dir_make(t->fd, ".#x.", &a), 0);
        /* By a process of its own. */
        for (unsigned i = 0; i < 5000 && exists(t, ".#x.0123456789abcdef"); i++)
                (void) poll(NULL, 0, 1);
        assert_false(exists(t, ".#x.0123456789abcdef"));
        for (size_t i = 0; i < ARRAY_SIZE(stay); i++)
                assert_true(exists(t, stay[i]));
        assert_true(exists(t, ".#x.1111111111111111"));
        assert_true(exists(t, ".#x.2222222222222222"));
        assert_true(exists(t, "elsewhere/file"));
        assert_int_equal(scratch_dir_remove(&a), 0);
}

static void test_publish(void **state)
{
        ScratchDir a = SCRATCH_DIR_NULL;
        const Tree *t = *state;

        assert_int_equal(scratch_dir_make(t->fd, ".#x.", &a), 0);
        assert_int_equal(mkdirat(a.fd, "sub", 0755), 0);
        tree_fixture_file(t, "taken", "x");
        assert_int_equal(scratch_dir_publish(&a, "taken"), -EEXIST);
        assert_true(exists(t, a.name));
        assert_int_equal(scratch_dir_publish(&a, "final"), 0);
        assert_null(a.name);
        assert_true(exists(t, "final/sub"));
        assert_int_equal(scratch_dir_remove(&a), 0);
        assert_true(exists(t, "final/sub"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TREE_TEST(test_make_and_remove),
                TREE_TEST(test_leftovers_go),
                TREE_TEST(test_publish),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
