/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A small tree in a temporary directory, for the tests that read machines' trees: made from nothing by each test, removed
 * with all that is in it. Paths are relative to its root.
 */

#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test.h"
#include "util/fd.h"

typedef struct Tree {
        char path[64];
        int fd;
} Tree;

static inline int tree_fixture_remove(const char *path, const struct stat *st, int type, struct FTW *where)
{
        /* What a process that was started removes goes by itself. */
        return remove(path) < 0 && errno != ENOENT ? -1 : 0;
}

static inline int tree_fixture_setup(void **state)
{
        static Tree t;

        (void) snprintf(t.path, sizeof(t.path), "/tmp/box-test-tree-XXXXXX");
        assert_non_null(mkdtemp(t.path));
        t.fd = open(t.path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        assert_true(t.fd >= 0);
        *state = &t;
        return 0;
}

static inline int tree_fixture_teardown(void **state)
{
        Tree *t = *state;

        t->fd = fd_close(t->fd);
        return nftw(t->path, tree_fixture_remove, 16, FTW_DEPTH | FTW_PHYS);
}

/* Makes the directories above path. */
static inline void tree_fixture_parents(const Tree *t, const char *path)
{
        char head[256];

        for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
                (void) snprintf(head, sizeof(head), "%.*s", (int) (slash - path), path);
                if (mkdirat(t->fd, head, 0755) < 0)
                        assert_int_equal(errno, EEXIST);
        }
}

static inline void tree_fixture_bytes(const Tree *t, const char *path, const void *data, size_t size, mode_t mode)
{
        _cleanup_close_ int fd = -EBADF;

        tree_fixture_parents(t, path);
        fd = openat(t->fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
        assert_true(fd >= 0);
        assert_int_equal(fd_write_all(fd, data, size), 0);
}

static inline void tree_fixture_file(const Tree *t, const char *path, const char *text)
{
        tree_fixture_bytes(t, path, text, strlen(text), 0644);
}

static inline void tree_fixture_program(const Tree *t, const char *path, const char *text)
{
        tree_fixture_bytes(t, path, text, strlen(text), 0755);
}

static inline void tree_fixture_link(const Tree *t, const char *path, const char *target)
{
        tree_fixture_parents(t, path);
        (void) unlinkat(t->fd, path, 0);
        assert_int_equal(symlinkat(target, t->fd, path), 0);
}

/* Root has all permissions: such a test changes its user for a while, which gets the paths (NULL-terminated) first. */
static inline void tree_fixture_become_somebody(const Tree *t, const char *const *paths)
{
        if (geteuid() != 0)
                return;
        assert_int_equal(chmod(t->path, 0777), 0);
        for (; *paths; paths++)
                assert_int_equal(fchownat(t->fd, *paths, 65534, 65534, AT_SYMLINK_NOFOLLOW), 0);
        assert_int_equal(seteuid(65534), 0);
}

static inline void tree_fixture_become_oneself(void)
{
        assert_int_equal(seteuid(getuid()), 0);
}

#define TREE_TEST(f) cmocka_unit_test_setup_teardown(f, tree_fixture_setup, tree_fixture_teardown)
