/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "test.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/fd.h"
#include "util/tree.h"

/* A tree with links that would lead out of it if they were followed as text. */
static char dir[] = "/tmp/box-test-tree.XXXXXX";
static int root = -EBADF;

static void put(const char *path, const char *text, mode_t mode)
{
        _cleanup_close_ int fd = openat(root, path, O_WRONLY | O_CREAT | O_CLOEXEC, mode);

        assert_true(fd >= 0);
        assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
}

static int setup(void **state)
{
        assert_non_null(mkdtemp(dir));
        root = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
        assert_true(root >= 0);
        assert_int_equal(mkdirat(root, "etc", 0755), 0);
        assert_int_equal(mkdirat(root, "usr", 0755), 0);
        assert_int_equal(mkdirat(root, "usr/sbin", 0755), 0);
        put("etc/passwd", "inside", 0644);
        put("usr/sbin/init.real", "#!", 0755);
        put("etc/plain", "x", 0644);
        assert_int_equal(symlinkat("usr/sbin", root, "sbin"), 0);
        assert_int_equal(symlinkat("/usr/sbin/init.real", root, "usr/sbin/init"), 0);
        assert_int_equal(symlinkat("../../../../../../etc/passwd", root, "escape"), 0);
        assert_int_equal(symlinkat("/etc", root, "abs"), 0);
        assert_int_equal(symlinkat("loop", root, "loop"), 0);
        assert_int_equal(symlinkat("/nowhere", root, "dangling"), 0);
        assert_int_equal(mkfifoat(root, "fifo", 0600), 0);
        return 0;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *at)
{
        return remove(path);
}

static int teardown(void **state)
{
        fd_close(root);
        return nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static void test_tree_read_stays_inside(void **state)
{
        _cleanup_free_ char *a = NULL, *b = NULL;

        assert_int_equal(tree_read(root, "/escape", 100, &a, NULL), 0);
        assert_string_equal(a, "inside");
        assert_int_equal(tree_read(root, "abs/passwd", 100, &b, NULL), 0);
        assert_string_equal(b, "inside");
}

static void test_tree_read_refuses(void **state)
{
        char *text = NULL;

        assert_int_equal(tree_read(root, "fifo", 100, &text, NULL), -EBADFD);
        assert_int_equal(tree_read(root, "etc", 100, &text, NULL), -EISDIR);
        assert_int_equal(tree_read(root, "loop", 100, &text, NULL), -ELOOP);
        assert_int_equal(tree_read(root, "dangling", 100, &text, NULL), -ENOENT);
        assert_int_equal(tree_read(root, "etc/passwd", 5, &text, NULL), -E2BIG);
        assert_null(text);
}

static void test_tree_is_executable(void **state)
{
        assert_int_equal(tree_is_executable(root, "/sbin/init"), 1);
        assert_int_equal(tree_is_executable(root, "/etc/plain"), 0);
        assert_int_equal(tree_is_executable(root, "/etc"), 0);
        assert_int_equal(tree_is_executable(root, "/nothing"), 0);
        assert_int_equal(tree_is_executable(root, "/loop"), 0);
}

static void test_tree_canonicalize(void **state)
{
        _cleanup_free_ char *path = NULL, *none = NULL;

        assert_int_equal(tree_canonicalize(root, "/sbin/init", &path), 0);
        assert_string_equal(path, "/usr/sbin/init.real");
        assert_int_equal(tree_canonicalize(root, "/dangling", &none), -ENOENT);
}

static void test_tree_mkdir_p_and_mountpoint(void **state)
{
        _cleanup_close_ int d = -EBADF, f = -EBADF, again = -EBADF;
        struct stat st;

        d = tree_mkdir_p(root, "/abs/new//a/b/");
        assert_true(d >= 0);
        assert_int_equal(fstatat(root, "etc/new/a/b", &st, 0), 0);
        f = tree_mountpoint(root, "/abs/new/file", false);
        assert_true(f >= 0);
        assert_int_equal(fstat(f, &st), 0);
        assert_true(S_ISREG(st.st_mode));
        again = tree_mountpoint(root, "/abs/new/file", false);
        assert_true(again >= 0);
        assert_int_equal(tree_mkdir_p(root, "/etc/plain/x"), -ENOTDIR);
        assert_int_equal(tree_mountpoint(root, "/loop/x", true), -ELOOP);
}

/* Links whose targets are missing, as resolv.conf of a tree that has no /run yet. */
static void test_tree_mountpoint_follows_dangling_links(void **state)
{
        static const struct { const char *link, *target, *path, *made; } cases[] = {
                { "etc/relative", "../run/a/file", "/etc/relative", "run/a/file" },
                { "etc/absolute", "/run/b/file", "etc/absolute", "run/b/file" },
                { "etc/climbing", "../../../../../run/c/file", "/etc/climbing", "run/c/file" },
                { "etc/sibling", "target", "/abs//sibling", "etc/target" },
                { "var", "run/d/", "/var/e/file", "run/d/e/file" },
                { "etc/first", "/etc/second", "/etc/first", "run/f/file" },
                { "etc/second", "../run//f/./file", "/etc/second", "run/f/file" },
                { "etc/parents", "/run/g/h/../file", "/etc/parents", "run/g/file" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                assert_int_equal(symlinkat(cases[i].target, root, cases[i].link), 0);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_close_ int fd = tree_mountpoint(root, cases[i].path, /* directory= */ false);
                struct stat made, found;

                assert_true(fd >= 0);
                assert_int_equal(fstat(fd, &found), 0);
                assert_int_equal(fstatat(root, cases[i].made, &made, AT_SYMLINK_NOFOLLOW), 0);
                assert_true(S_ISREG(made.st_mode));
                assert_int_equal(made.st_ino, found.st_ino);
        }
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                assert_int_equal(unlinkat(root, cases[i].link, 0), 0);
}

static void test_tree_mkdir_p_follows_dangling_links(void **state)
{
        static const char *const targets[] = { "run/lock", "/run/lock2", "../../run/lock3" };

        for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
                _cleanup_close_ int fd = -EBADF;
                struct stat st;

                assert_int_equal(symlinkat(targets[i], root, "lock"), 0);
                fd = tree_mountpoint(root, i == 0 ? "/lock" : "/lock/below/it", /* directory= */ true);
                assert_true(fd >= 0);
                assert_int_equal(fstat(fd, &st), 0);
                assert_true(S_ISDIR(st.st_mode));
                assert_int_equal(unlinkat(root, "lock", 0), 0);
        }
        assert_int_equal(faccessat(root, "run/lock3/below/it", F_OK, 0), 0);
}

static void test_tree_mountpoint_refuses(void **state)
{
        static const struct { const char *target; int error; } cases[] = {
                { "refused", -ELOOP },          /* itself */
                { "other", -ELOOP },            /* two links in a circle */
                { "etc/plain/x", -ENOTDIR },
                { "fifo/x", -ENOTDIR },
        };

        assert_int_equal(symlinkat("/refused/more", root, "other"), 0);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                for (int directory = 0; directory <= 1; directory++) {
                        assert_int_equal(symlinkat(cases[i].target, root, "refused"), 0);
                        assert_int_equal(tree_mountpoint(root, "/refused", directory), cases[i].error);
                        assert_int_equal(unlinkat(root, "refused", 0), 0);
                }
        assert_int_equal(unlinkat(root, "other", 0), 0);
}

/* A link that grows its own path. */
static void test_tree_mountpoint_is_bounded(void **state)
{
        assert_int_equal(symlinkat("grow/a/../../new/../grow/x", root, "grow"), 0);
        assert_int_equal(tree_mountpoint(root, "/grow", false), -ELOOP);
        assert_int_equal(unlinkat(root, "grow", 0), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_tree_read_stays_inside),
                cmocka_unit_test(test_tree_read_refuses),
                cmocka_unit_test(test_tree_is_executable),
                cmocka_unit_test(test_tree_canonicalize),
                cmocka_unit_test(test_tree_mkdir_p_and_mountpoint),
                cmocka_unit_test(test_tree_mountpoint_follows_dangling_links),
                cmocka_unit_test(test_tree_mkdir_p_follows_dangling_links),
                cmocka_unit_test(test_tree_mountpoint_refuses),
                cmocka_unit_test(test_tree_mountpoint_is_bounded),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
