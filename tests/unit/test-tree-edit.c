/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Each kind of edit, on what may be there already. */

#include "tree-fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/inotify.h>

#include "mount/tree-edit.h"
#include "util/tree.h"

static int edit(const Tree *t, TreeEditKind kind, const char *path, const char *content)
{
        TreeEdit e = { .kind = kind, .path = (char *) path, .content = (char *) content,
                       .size = content ? strlen(content) : 0, .from = { "/etc/x.nspawn", 7 } };
        Failure failure = {};
        int r = tree_edit_apply(&e, t->fd, &failure);

        assert_int_equal(r, failure.error);
        if (r < 0) {
                assert_non_null(strstr(failure.text, path));
                assert_non_null(strstr(failure.text, "/etc/x.nspawn:7: "));
        }
        return r;
}

static void assert_content(const Tree *t, const char *path, const char *content)
{
        _cleanup_free_ char *text = NULL;

        assert_int_equal(tree_read(t->fd, path, 1024, &text, NULL), 0);
        assert_string_equal(text, content);
}

static void assert_target(const Tree *t, const char *path, const char *target)
{
        char there[256] = "";

        assert_true(readlinkat(t->fd, path, there, sizeof(there) - 1) > 0);
        assert_string_equal(there, target);
}

static bool is_there(const Tree *t, const char *path)
{
        return faccessat(t->fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void test_write(void **state)
{
        const Tree *t = *state;
        struct stat before, after;

        tree_fixture_file(t, "etc/a", "a long old text\n");
        assert_int_equal(edit(t, TREE_EDIT_WRITE, "/etc/a", "new\n"), 0);
        assert_content(t, "etc/a", "new\n");
        assert_int_equal(edit(t, TREE_EDIT_WRITE, "/etc/b", "made\n"), 0);
        assert_content(t, "etc/b", "made\n");

        /* A correct file is not changed. */
        assert_int_equal(fstatat(t->fd, "etc/b", &before, 0), 0);
        assert_int_equal(edit(t, TREE_EDIT_WRITE, "/etc/b", "made\n"), 0);
        assert_int_equal(fstatat(t->fd, "etc/b", &after, 0), 0);
        assert_memory_equal(&before.st_mtim, &after.st_mtim, sizeof(before.st_mtim));

        /* A link is the tree's own choice. */
        tree_fixture_file(t, "etc/real", "kept\n");
        tree_fixture_link(t, "etc/c", "real");
        assert_int_equal(edit(t, TREE_EDIT_WRITE, "/etc/c", "x"), -ELOOP);
        assert_content(t, "etc/real", "kept\n");

        assert_int_equal(mkfifoat(t->fd, "etc/fifo", 0600), 0);
        assert_int_equal(edit(t, TREE_EDIT_WRITE, "/etc/fifo", "x"), -EBADFD);
        assert_int_equal(edit(t, TREE_EDIT_WRITE, "/none/a", "x"), -ENOENT);
}

static void test_fill(void **state)
{
        const Tree *t = *state;

        tree_fixture_link(t, "etc/resolv", "../run/resolve/stub");
        assert_int_equal(edit(t, TREE_EDIT_FILL, "/etc/resolv", "first\n"), 0);
        assert_content(t, "run/resolve/stub", "first\n");
        assert_target(t, "etc/resolv", "../run/resolve/stub");
        /* What is there is kept, whatever it is. */
        assert_int_equal(edit(t, TREE_EDIT_FILL, "/etc/resolv", "second\n"), 0);
        assert_content(t, "run/resolve/stub", "first\n");
        assert_int_equal(mkdirat(t->fd, "etc/dir", 0755), 0);
        assert_int_equal(edit(t, TREE_EDIT_FILL, "/etc/dir", "x"), 0);

        tree_fixture_link(t, "etc/circle", "circle");
        assert_int_equal(edit(t, TREE_EDIT_FILL, "/etc/circle", "x"), -ELOOP);
}

/* Not even opened: to open a device can have effects, as of a watchdog. Closing after opening for writing is an event. */
static void test_write_opens_files_only(void **state)
{
        const Tree *t = *state;
        _cleanup_close_ int notify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        char fifo[64], event[4096];

        (void) snprintf(fifo, sizeof(fifo), "/proc/self/fd/%d/node", t->fd);
        assert_int_equal(mkfifoat(t->fd, "node", 0600), 0);
        assert_true(inotify_add_watch(notify, fifo, IN_CLOSE_WRITE) >= 0);
        assert_int_equal(edit(t, TREE_EDIT_WRITE, "/node", "x"), -EBADFD);
        assert_int_equal(read(notify, event, sizeof(event)), -1);
        assert_int_equal(errno, EAGAIN);
}

static void test_replace(void **state)
{
        const Tree *t = *state;

        tree_fixture_file(t, "etc/real", "kept\n");
        tree_fixture_link(t, "etc/a", "real");
        tree_fixture_file(t, "etc/.#box-a", "left by one that was killed");
        assert_int_equal(edit(t, TREE_EDIT_REPLACE, "/etc/a", "new\n"), 0);
        assert_content(t, "etc/a", "new\n");
        assert_content(t, "etc/real", "kept\n");
        assert_false(is_there(t, "etc/.#box-a"));

        assert_int_equal(mkdirat(t->fd, "etc/d", 0755), 0);
        assert_int_equal(edit(t, TREE_EDIT_REPLACE, "/etc/d", "x"), -EISDIR);
        assert_false(is_there(t, "etc/.#box-d"));
}

static void test_link(void **state)
{
        const Tree *t = *state;
        const char *zone = "../usr/share/zoneinfo/UTC";

        tree_fixture_file(t, "etc/a", "old");
        assert_int_equal(edit(t, TREE_EDIT_LINK, "/etc/a", zone), 0);
        assert_target(t, "etc/a", zone);

        tree_fixture_link(t, "etc/b", "/usr/share/zoneinfo/UTC");
        assert_int_equal(edit(t, TREE_EDIT_LINK, "/etc/b", zone), 0);
        assert_target(t, "etc/b", "/usr/share/zoneinfo/UTC");
        tree_fixture_link(t, "etc/c", "/usr/share/zoneinfo/Asia/Tokyo");
        assert_int_equal(edit(t, TREE_EDIT_LINK, "/etc/c", zone), 0);
        assert_target(t, "etc/c", zone);
}

static void test_remove_and_directory(void **state)
{
        const Tree *t = *state;

        tree_fixture_link(t, "etc/a", "nowhere");
        assert_int_equal(edit(t, TREE_EDIT_REMOVE, "/etc/a", NULL), 0);
        assert_false(is_there(t, "etc/a"));
        assert_int_equal(edit(t, TREE_EDIT_REMOVE, "/etc/a", NULL), 0);

        assert_int_equal(edit(t, TREE_EDIT_DIRECTORY, "/var/log/journal/x", NULL), 0);
        assert_true(is_there(t, "var/log/journal/x"));
        assert_int_equal(edit(t, TREE_EDIT_DIRECTORY, "/var/log/journal/x", NULL), 0);
        tree_fixture_file(t, "var/file", "");
        assert_true(edit(t, TREE_EDIT_DIRECTORY, "/var/file/x", NULL) < 0);
}

/* Links of the tree lead nowhere but into it. */
static void test_links_stay_inside(void **state)
{
        const Tree *t = *state;
        char outside[] = "/tmp/box-test-outside-XXXXXX", target[128];

        assert_non_null(mkdtemp(outside));
        (void) snprintf(target, sizeof(target), "%s", outside);
        tree_fixture_link(t, "etc", target);
        assert_int_equal(edit(t, TREE_EDIT_WRITE, "/etc/a", "x"), -ENOENT);
        assert_int_equal(edit(t, TREE_EDIT_REPLACE, "/etc/a", "x"), -ENOENT);
        assert_int_equal(rmdir(outside), 0);
}

static void test_what_matters(void **state)
{
        TreeEdit quiet = { .need = TREE_EDIT_IF_WRITABLE }, wished = { .need = TREE_EDIT_BEST_EFFORT };

        assert_false(tree_edit_matters(&quiet, -ELOOP));
        assert_false(tree_edit_matters(&quiet, -EROFS));
        assert_true(tree_edit_matters(&quiet, -ENOSPC));
        assert_true(tree_edit_matters(&wished, -EROFS));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TREE_TEST(test_write),
                TREE_TEST(test_fill),
                TREE_TEST(test_write_opens_files_only),
                TREE_TEST(test_replace),
                TREE_TEST(test_link),
                TREE_TEST(test_remove_and_directory),
                TREE_TEST(test_links_stay_inside),
                cmocka_unit_test(test_what_matters),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
