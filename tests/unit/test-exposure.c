/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tree-fixture.h"

#include <fcntl.h>
#include <sys/statvfs.h>

#include "image/exposure.h"

static int find(const Tree *t, const char *path, char **ret)
{
        _cleanup_close_ int fd = openat(t->fd, path, O_PATH | O_CLOEXEC);

        assert_true(fd >= 0);
        *ret = NULL;
        return exposure_find(fd, ret);
}

/* The parents count, and not the mode of the tree: its own root may change that. */
static void test_parents(void **state)
{
        const Tree *t = *state;
        bool root = geteuid() == 0;
        _cleanup_free_ char *open_to_all = NULL, *other = NULL, *wanted = NULL;
        struct statvfs fs;

        assert_int_equal(fstatvfs(t->fd, &fs), 0);
        tree_fixture_file(t, "machines/x/usr/file", "");
        assert_true(asprintf(&wanted, "%s/machines", t->path) > 0);
        assert_int_equal(fchmodat(t->fd, "machines/x", 0700, 0), 0);

        /* /tmp/box-test-tree-… has mode 0700: to root it is closed; to another owner, who may open it, it is not. */
        assert_int_equal(find(t, "machines/x", &open_to_all), root || fs.f_flag & ST_NOSUID ? 0 : 1);
        free(TAKE_PTR(open_to_all));

        assert_int_equal(chmod(t->path, 0755), 0);
        if (!(fs.f_flag & ST_NOSUID)) {
                assert_int_equal(find(t, "machines/x", &open_to_all), 1);
                assert_string_equal(open_to_all, wanted);
                assert_int_equal(find(t, "machines/x/usr/file", &other), root ? 0 : 1);
        }
        assert_int_equal(fchmodat(t->fd, "machines", 0710, 0), 0);
        free(TAKE_PTR(open_to_all));
        assert_int_equal(find(t, "machines/x", &open_to_all), root || fs.f_flag & ST_NOSUID ? 0 : 1);
        assert_int_equal(fchmodat(t->fd, "machines", 0755, 0), 0);
        if (root && fchownat(t->fd, "machines", 1000, 1000, 0) == 0) {
                assert_int_equal(fchmodat(t->fd, "machines", 0700, 0), 0);
                free(TAKE_PTR(open_to_all));
                assert_int_equal(find(t, "machines/x", &open_to_all), fs.f_flag & ST_NOSUID ? 0 : 1);
                assert_int_equal(fchownat(t->fd, "machines", 0, 1000, 0), 0);
                assert_int_equal(fchmodat(t->fd, "machines", 0710, 0), 0);
                free(TAKE_PTR(open_to_all));
                assert_int_equal(find(t, "machines/x", &open_to_all), fs.f_flag & ST_NOSUID ? 0 : 1);
        }
}

/* It is in no directory. */
static void test_root(void **state)
{
        char *open_to_all;

        assert_int_equal(find(*state, "/", &open_to_all), 0);
        assert_null(open_to_all);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TREE_TEST(test_parents),
                TREE_TEST(test_root),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
