/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Copies of trees. What takes root (owners, devices, trusted attributes) is in tests/system/test_files_template.py. */

#include "tree-fixture.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "image/tree-copy.h"

/* Copies t's "from" to its "to". */
static int copy(const Tree *t, bool (*stop)(void *userdata), void *userdata, Failure *failure)
{
        const TreeCopyOptions options = { .skip_fd = -EBADF, .stop = stop, .userdata = userdata };
        _cleanup_close_ int from = openat(t->fd, "from", O_RDONLY | O_DIRECTORY | O_CLOEXEC), to = -EBADF;

        assert_int_equal(mkdirat(t->fd, "to", 0700), 0);
        to = openat(t->fd, "to", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(from >= 0 && to >= 0);
        return tree_copy(from, to, &options, failure);
}

static struct stat look(const Tree *t, const char *path)
{
        struct stat st;

        if (fstatat(t->fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
                fail_msg("%s: %m", path);
        return st;
}

static void assert_text(const Tree *t, const char *path, const char *text)
{
        _cleanup_close_ int fd = openat(t->fd, path, O_RDONLY | O_CLOEXEC);
        _cleanup_free_ char *got = NULL;

        assert_true(fd >= 0);
        assert_int_equal(fd_read_all(fd, 1024, &got, NULL), 0);
        assert_string_equal(got, text);
}

static unsigned entries(const Tree *t, const char *path)
{
        _cleanup_closedir_ DIR *dir = fdopendir(openat(t->fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        unsigned n = 0;

        assert_non_null(dir);
        while (readdir(dir))
                n++;
        return n - 2;
}

static void set_times(const Tree *t, const char *path)
{
        const struct timespec times[] = { { 1000000000, 123456789 }, { 1100000000, 987654321 } };

        assert_int_equal(utimensat(t->fd, path, times, AT_SYMLINK_NOFOLLOW), 0);
}

static void test_kinds_modes_and_times(void **state)
{
        static const char *const paths[] = { "dir", "dir/file", "dir/program", "dir/link", "fifo", "socket", "" };
        const Tree *t = *state;
        char target[64] = "";

        tree_fixture_file(t, "from/dir/file", "text");
        tree_fixture_program(t, "from/dir/program", "");
        tree_fixture_link(t, "from/dir/link", "/away/../from/here");
        assert_int_equal(mknodat(t->fd, "from/fifo", S_IFIFO | 0622, 0), 0);
        assert_int_equal(mknodat(t->fd, "from/socket", S_IFSOCK | 0700, 0), 0);
        assert_int_equal(fchmodat(t->fd, "from/dir/program", 04711, 0), 0);
        assert_int_equal(fchmodat(t->fd, "from/dir", 01555, 0), 0);
        for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
                char from[64];

                (void) snprintf(from, sizeof(from), "from/%s", paths[i]);
                set_times(t, from);
        }

        assert_int_equal(copy(t, NULL, NULL, NULL), 0);
        for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
                char from[64], to[64];
                struct stat a, b;

                (void) snprintf(from, sizeof(from), "from/%s", paths[i]);
                (void) snprintf(to, sizeof(to), "to/%s", paths[i]);
                a = look(t, from);
                b = look(t, to);
                assert_int_equal(a.st_mode, b.st_mode);
                assert_int_equal(b.st_mtim.tv_sec, 1100000000);
                assert_int_equal(b.st_mtim.tv_nsec, 987654321);
        }
        assert_text(t, "to/dir/file", "text");
        assert_true(readlinkat(t->fd, "to/dir/link", target, sizeof(target) - 1) > 0);
        assert_string_equal(target, "/away/../from/here");
        assert_int_equal(fchmodat(t->fd, "from/dir", 0755, 0), 0);
        assert_int_equal(fchmodat(t->fd, "to/dir", 0755, 0), 0);
}

static void test_hard_links(void **state)
{
        const Tree *t = *state;

        tree_fixture_file(t, "from/a/one", "shared");
        tree_fixture_file(t, "from/b/other", "own");
        assert_int_equal(linkat(t->fd, "from/a/one", t->fd, "from/b/two", 0), 0);
        assert_int_equal(linkat(t->fd, "from/a/one", t->fd, "from/three", 0), 0);
        /* One of the names is not in the tree. */
        assert_int_equal(linkat(t->fd, "from/b/other", t->fd, "outside", 0), 0);

        assert_int_equal(copy(t, NULL, NULL, NULL), 0);
        assert_int_equal(look(t, "to/a/one").st_ino, look(t, "to/b/two").st_ino);
        assert_int_equal(look(t, "to/a/one").st_ino, look(t, "to/three").st_ino);
        assert_int_equal(look(t, "to/a/one").st_nlink, 3);
        assert_int_equal(look(t, "to/b/other").st_nlink, 1);
        assert_true(look(t, "to/a/one").st_ino != look(t, "from/a/one").st_ino);
        assert_text(t, "to/three", "shared");
}

static void test_holes(void **state)
{
        _cleanup_close_ int from = -EBADF, to = -EBADF;
        const off_t size = 64 * 1024 * 1024, at = 32 * 1024 * 1024;
        const Tree *t = *state;
        char byte = 0;

        tree_fixture_file(t, "from/sparse", "begin");
        from = openat(t->fd, "from/sparse", O_RDWR | O_CLOEXEC);
        assert_int_equal(pwrite(from, "x", 1, at), 1);
        assert_int_equal(ftruncate(from, size), 0);

        assert_int_equal(copy(t, NULL, NULL, NULL), 0);
        to = openat(t->fd, "to/sparse", O_RDONLY | O_CLOEXEC);
        assert_int_equal(look(t, "to/sparse").st_size, size);
        assert_true(look(t, "to/sparse").st_blocks <= look(t, "from/sparse").st_blocks + 16);
        assert_int_equal(pread(to, &byte, 1, at), 1);
        assert_int_equal(byte, 'x');
        assert_int_equal(pread(to, &byte, 1, 0), 1);
        assert_int_equal(byte, 'b');
        assert_int_equal(pread(to, &byte, 1, at + 1), 1);
        assert_int_equal(byte, 0);
}

static void test_attributes(void **state)
{
        char large[600], value[1024], path[256], to[256];
        const Tree *t = *state;

        memset(large, 'v', sizeof(large));
        tree_fixture_file(t, "from/dir/file", "x");
        (void) snprintf(path, sizeof(path), "%s/from/dir/file", t->path);
        if (setxattr(path, "user.small", "value", 5, 0) < 0)
                skip();                 /* a /tmp that has none */
        assert_int_equal(setxattr(path, "user.large", large, sizeof(large), 0), 0);
        assert_int_equal(setxattr(path, "user.empty", "", 0, 0), 0);
        *strrchr(path, '/') = 0;
        assert_int_equal(setxattr(path, "user.dir", "d", 1, 0), 0);

        assert_int_equal(copy(t, NULL, NULL, NULL), 0);
        (void) snprintf(to, sizeof(to), "%s/to/dir/file", t->path);
        assert_int_equal(getxattr(to, "user.small", value, sizeof(value)), 5);
        assert_memory_equal(value, "value", 5);
        assert_int_equal(getxattr(to, "user.large", value, sizeof(value)), sizeof(large));
        assert_memory_equal(value, large, sizeof(large));
        assert_int_equal(getxattr(to, "user.empty", value, sizeof(value)), 0);
        *strrchr(to, '/') = 0;
        assert_int_equal(getxattr(to, "user.dir", value, sizeof(value)), 1);
}

static int write_proc(const char *path, const char *text)
{
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

        return fd < 0 ? -errno : fd_write_all(fd, text, strlen(text));
}

/* Mounts ramfs, which stores no attributes, in namespaces of this process's own. */
static int mount_ramfs(const char *path)
{
        char uids[32], gids[32];

        (void) snprintf(uids, sizeof(uids), "0 %u 1", geteuid());
        (void) snprintf(gids, sizeof(gids), "0 %u 1", getegid());
        if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
                return -errno;
        if (write_proc("/proc/self/uid_map", uids) < 0 || write_proc("/proc/self/setgroups", "deny") < 0 ||
            write_proc("/proc/self/gid_map", gids) < 0)
                return -EPERM;
        return RET_ERRNO(mount("none", path, "ramfs", 0, NULL));
}

typedef struct RamfsCopy {
        int r;
        Failure warning, failure;
} RamfsCopy;

/* The same as copy(), but "to" is a ramfs, in a child. false: this host does not allow it. */
static bool copy_to_ramfs(const Tree *t, RamfsCopy *ret)
{
        int p[2], status;
        pid_t pid;

        if (mkdirat(t->fd, "to", 0700) < 0)
                assert_int_equal(errno, EEXIST);
        assert_int_equal(pipe2(p, O_CLOEXEC), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                RamfsCopy c = { 0 };
                const TreeCopyOptions options = { .skip_fd = -EBADF, .warning = &c.warning };
                char path[256];
                int from, to;

                (void) snprintf(path, sizeof(path), "%s/to", t->path);
                if (mount_ramfs(path) < 0)
                        _exit(77);
                from = openat(t->fd, "from", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                /* By path: t->fd is of another mount namespace. */
                to = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                c.r = tree_copy(from, to, &options, &c.failure);
                _exit(fd_write_all(p[1], &c, sizeof(c)) < 0);
        }
        close(p[1]);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (WEXITSTATUS(status) != 77)
                assert_int_equal(read(p[0], ret, sizeof(*ret)), sizeof(*ret));
        close(p[0]);
        return WEXITSTATUS(status) == 0;
}

/* A file system without attributes: those of users are left out, with one warning; an ACL is not. */
static void test_attributes_that_cannot_be_stored(void **state)
{
        /* Version 2; USER_OBJ, GROUP_OBJ, OTHER. As a default ACL it cannot be told by the mode. */
        static const uint8_t acl[] = {
                2, 0, 0, 0, 1, 0, 7, 0, 255, 255, 255, 255, 4, 0, 5, 0, 255, 255, 255, 255, 32, 0, 0, 0, 255, 255, 255, 255,
        };
        const Tree *t = *state;
        char path[256];
        RamfsCopy c;

        tree_fixture_file(t, "from/dir/file", "x");
        (void) snprintf(path, sizeof(path), "%s/from/dir/file", t->path);
        if (setxattr(path, "user.one", "1", 1, 0) < 0)
                skip();                 /* a /tmp that has none */
        assert_int_equal(setxattr(path, "user.two", "2", 1, 0), 0);
        if (!copy_to_ramfs(t, &c))
                skip();
        assert_int_equal(c.r, 0);
        assert_int_equal(c.warning.error, -EOPNOTSUPP);
        assert_string_equal(c.warning.text, "Failed to copy the attribute 'user.one' of /dir/file, ignoring it and others "
                            "like it: Operation not supported");
        assert_int_equal(c.failure.error, 0);

        *strrchr(path, '/') = 0;
        if (setxattr(path, "system.posix_acl_default", acl, sizeof(acl), 0) < 0)
                skip();
        assert_true(copy_to_ramfs(t, &c));
        assert_int_equal(c.r, -EOPNOTSUPP);
        assert_string_equal(c.failure.text, "Failed to copy the attribute 'system.posix_acl_default' of /dir: "
                            "Operation not supported");
}

static bool stop_at_third(void *userdata)
{
        return ++*(unsigned *) userdata >= 3;
}

static void test_stops(void **state)
{
        const Tree *t = *state;
        Failure failure = { 0 };
        unsigned asked = 0;

        tree_fixture_file(t, "from/a", "");
        tree_fixture_file(t, "from/b", "");
        tree_fixture_file(t, "from/c", "");
        tree_fixture_file(t, "from/d", "");
        assert_int_equal(copy(t, stop_at_third, &asked, &failure), -EINTR);
        assert_int_equal(asked, 3);
}

/* The copy of a tree in that tree would not end. */
static void test_copy_below_itself(void **state)
{
        _cleanup_close_ int from = -EBADF, to = -EBADF;
        const Tree *t = *state;
        struct stat st;

        tree_fixture_file(t, "from/file", "x");
        assert_int_equal(mkdirat(t->fd, "from/to", 0700), 0);
        from = openat(t->fd, "from", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        to = openat(from, "to", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(tree_copy(from, to, &(TreeCopyOptions) { .skip_fd = to }, NULL), 0);
        assert_text(t, "from/to/file", "x");
        assert_int_equal(fstatat(to, "to", &st, 0), -1);
}

static void test_too_deep(void **state)
{
        const Tree *t = *state;
        Failure failure = { 0 };
        int fd;

        assert_int_equal(mkdirat(t->fd, "from", 0755), 0);
        fd = openat(t->fd, "from", O_PATH | O_DIRECTORY | O_CLOEXEC);
        for (unsigned i = 0; i < 450; i++) {
                int next;

                assert_int_equal(mkdirat(fd, "d", 0755), 0);
                next = openat(fd, "d", O_PATH | O_DIRECTORY | O_CLOEXEC);
                fd_close(fd);
                fd = next;
        }
        fd_close(fd);

        assert_int_equal(copy(t, NULL, NULL, &failure), -ELOOP);
        assert_non_null(strstr(failure.text, "200 nested directories"));
}

/* The failure names the file. */
static void test_unreadable(void **state)
{
        static const char *const paths[] = { "from", "from/dir", NULL };
        const Tree *t = *state;
        Failure failure = { 0 };

        tree_fixture_file(t, "from/dir/secret", "x");
        assert_int_equal(fchmodat(t->fd, "from/dir/secret", 0, 0), 0);
        tree_fixture_become_somebody(t, paths);
        assert_int_equal(copy(t, NULL, NULL, &failure), -EACCES);
        tree_fixture_become_oneself();
        assert_non_null(strstr(failure.text, "/dir/secret: Permission denied"));
}

/* ---- into a directory that has files ----------------------------------------------------------------------- */

static int copy_into(const Tree *t, unsigned flags, TreeCopyCount *count, Failure *failure)
{
        const TreeCopyOptions options = { .flags = TREE_COPY_MERGE | flags, .skip_fd = -EBADF, .where = "there", .count = count };
        _cleanup_close_ int from = openat(t->fd, "from", O_RDONLY | O_DIRECTORY | O_CLOEXEC), to = -EBADF;

        to = openat(t->fd, "to", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(from >= 0 && to >= 0);
        return tree_copy(from, to, &options, failure);
}

static void test_merges(void **state)
{
        const Tree *t = *state;
        TreeCopyCount count = { 0 };
        Failure f = { 0 };

        tree_fixture_file(t, "from/dir/new", "new");
        tree_fixture_file(t, "to/dir/old", "old");
        assert_int_equal(fchmodat(t->fd, "to/dir", 0710, 0), 0);
        assert_int_equal(copy_into(t, 0, &count, &f), 0);
        assert_text(t, "to/dir/new", "new");
        assert_text(t, "to/dir/old", "old");
        assert_int_equal(look(t, "to/dir").st_mode & 07777, 0710);
        assert_int_equal(count.files, 1);
        assert_int_equal(count.bytes, 3);

        assert_int_equal(copy_into(t, 0, &count, &f), -EEXIST);
        assert_string_equal(f.text, "there/dir/new exists already");
}

static void test_replaces(void **state)
{
        const Tree *t = *state;
        Failure f = { 0 };
        struct stat before;

        tree_fixture_file(t, "from/one", "new");
        assert_int_equal(linkat(t->fd, "from/one", t->fd, "from/two", 0), 0);
        tree_fixture_link(t, "from/link", "one");
        tree_fixture_file(t, "to/one", "old");
        tree_fixture_link(t, "to/two", "target");
        tree_fixture_file(t, "to/link", "old");
        tree_fixture_file(t, "to/target", "kept");
        before = look(t, "to/one");

        for (int i = 0; i < 2; i++) {           /* also what was copied by itself */
                assert_int_equal(copy_into(t, TREE_COPY_REPLACE, NULL, &f), 0);
                assert_text(t, "to/one", "new");
                assert_text(t, "to/target", "kept");
                assert_true(look(t, "to/one").st_ino != before.st_ino);
                assert_int_equal(look(t, "to/two").st_ino, look(t, "to/one").st_ino);
                assert_int_equal(look(t, "to/two").st_nlink, 2);
                assert_true(S_ISLNK(look(t, "to/link").st_mode));
                /* No temporary file is left. */
                assert_int_equal(look(t, "to").st_nlink, 2);
                assert_int_equal(entries(t, "to"), 4);
        }
}

/* A directory never takes the place of a file, nor a file that of a directory; a link to one is a file. */
static void test_does_not_replace(void **state)
{
        const Tree *t = *state;
        Failure f = { 0 };

        tree_fixture_file(t, "from/a/file", "x");
        tree_fixture_file(t, "to/elsewhere/other", "x");
        tree_fixture_link(t, "to/a", "elsewhere");
        assert_int_equal(copy_into(t, TREE_COPY_REPLACE, NULL, &f), -EEXIST);
        assert_int_equal(entries(t, "to/elsewhere"), 1);

        assert_int_equal(unlinkat(t->fd, "from/a/file", 0), 0);
        assert_int_equal(unlinkat(t->fd, "from/a", AT_REMOVEDIR), 0);
        tree_fixture_file(t, "from/elsewhere", "x");
        f = (Failure) { 0 };
        assert_int_equal(copy_into(t, TREE_COPY_REPLACE, NULL, &f), -EISDIR);
        assert_int_equal(entries(t, "to"), 2);
}

static void test_no_privilege(void **state)
{
        const Tree *t = *state;
        TreeCopyCount count = { 0 };

        tree_fixture_program(t, "from/setuid", "");
        tree_fixture_program(t, "from/setgid", "");
        assert_int_equal(mkdirat(t->fd, "from/dir", 0755), 0);
        assert_int_equal(fchmodat(t->fd, "from/setuid", 04755, 0), 0);
        assert_int_equal(fchmodat(t->fd, "from/setgid", 02711, 0), 0);
        assert_int_equal(fchmodat(t->fd, "from/dir", 03777, 0), 0);
        assert_int_equal(mkdirat(t->fd, "to", 0755), 0);
        assert_int_equal(copy_into(t, TREE_COPY_NO_PRIVILEGE, &count, NULL), 0);
        assert_int_equal(look(t, "to/setuid").st_mode & 07777, 0755);
        assert_int_equal(look(t, "to/setgid").st_mode & 07777, 0711);
        assert_int_equal(look(t, "to/dir").st_mode & 07777, 03777);
        assert_int_equal(count.no_set_id, 2);
        assert_int_equal(copy_into(t, TREE_COPY_REPLACE, &count, NULL), 0);
        assert_int_equal(look(t, "to/setuid").st_mode & 07777, 04755);
}

/* "Another user" has no set-user-ID programs; the owner of files is asked for. */
static int map(void *userdata, bool group, uint32_t id, uint32_t *ret)
{
        *ret = id;
        return *(const int *) userdata;
}

static int refuse(void *userdata, const struct stat *directory)
{
        return -EACCES;
}

static void test_asks(void **state)
{
        const Tree *t = *state;
        int answer = 1;
        TreeCopyOptions options = { .flags = TREE_COPY_MERGE, .skip_fd = -EBADF, .map = map, .userdata = &answer };
        _cleanup_(tree_copy_freep) TreeCopy *c = NULL;
        _cleanup_close_ int from = -EBADF, to = -EBADF;
        Failure f = { 0 };

        tree_fixture_program(t, "from/program", "text");
        assert_int_equal(fchmodat(t->fd, "from/program", 04755, 0), 0);
        assert_int_equal(mkdirat(t->fd, "to", 0755), 0);
        from = openat(t->fd, "from/program", O_PATH | O_CLOEXEC);
        to = openat(t->fd, "to", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(tree_copy_new(to, &options, &c, &f), 0);
        assert_int_equal(tree_copy_add(c, from, "one", &f), 0);
        assert_int_equal(look(t, "to/one").st_mode & 07777, 0755);
        answer = 0;
        assert_int_equal(tree_copy_add(c, from, "two", &f), 0);
        assert_int_equal(look(t, "to/two").st_mode & 07777, 04755);

        /* Without an owner, nothing is left. */
        answer = -EOVERFLOW;
        assert_int_equal(tree_copy_add(c, from, "three", &f), -EOVERFLOW);
        assert_non_null(strstr(f.text, "has no counterpart"));
        assert_int_equal(faccessat(t->fd, "to/three", F_OK, AT_SYMLINK_NOFOLLOW), -1);
        options.may_write = refuse;
        answer = 0;
        assert_int_equal(tree_copy_add(c, from, "four", NULL), -EACCES);
        assert_int_equal(faccessat(t->fd, "to/four", F_OK, AT_SYMLINK_NOFOLLOW), -1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TREE_TEST(test_kinds_modes_and_times),
                TREE_TEST(test_hard_links),
                TREE_TEST(test_holes),
                TREE_TEST(test_attributes),
                TREE_TEST(test_attributes_that_cannot_be_stored),
                TREE_TEST(test_stops),
                TREE_TEST(test_copy_below_itself),
                TREE_TEST(test_too_deep),
                TREE_TEST(test_unreadable),
                TREE_TEST(test_merges),
                TREE_TEST(test_replaces),
                TREE_TEST(test_does_not_replace),
                TREE_TEST(test_no_privilege),
                TREE_TEST(test_asks),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
