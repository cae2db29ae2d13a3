/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The writes and removals of each step, in a directory with the files of a cgroup. Processes and refusals of the kernel are
 * tested in tests/system.
 */

#include "test.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "payload/cgroup.h"
#include "util/fd.h"

typedef struct Tree {
        char path[32];
        int fd;
} Tree;

static void put(const Tree *t, const char *name, const char *text)
{
        _cleanup_close_ int fd = openat(t->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

        assert_true(fd >= 0);
        assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
}

static void assert_file(const Tree *t, const char *name, const char *expected)
{
        _cleanup_close_ int fd = openat(t->fd, name, O_RDONLY | O_CLOEXEC);
        _cleanup_free_ char *text = NULL;

        assert_true(fd >= 0);
        assert_int_equal(fd_read_all(fd, 4096, &text, NULL), 0);
        assert_string_equal(text, expected);
}

static bool exists(const Tree *t, const char *name)
{
        return faccessat(t->fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int setup(void **state)
{
        Tree *t = calloc(1, sizeof(Tree));

        (void) snprintf(t->path, sizeof(t->path), "/tmp/test-cgroup-XXXXXX");
        if (!mkdtemp(t->path))
                return -1;
        t->fd = open(t->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        *state = t;

        if (mkdirat(t->fd, "machine.slice", 0755) < 0 || mkdirat(t->fd, "machine.slice/box@x.service", 0755) < 0)
                return -1;
        return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
        return remove(path);
}

static int teardown(void **state)
{
        Tree *t = *state;
        int r = nftw(t->path, remove_one, 8, FTW_DEPTH | FTW_PHYS);

        close(t->fd);
        free(t);
        return r;
}

static Cgroup open_unit(const Tree *t)
{
        Cgroup c = CGROUP_NULL;
        Failure failure = { 0 };

        assert_int_equal(cgroup_open(t->fd, "/machine.slice/box@x.service", &c, &failure), 0);
        return c;
}

static void test_cgroup_path_parse(void **state)
{
        static const struct { const char *text, *path; int r; } cases[] = {
                { "0::/machine.slice/box@x.service/payload\n", "/machine.slice/box@x.service/payload", 0 },
                { "0::/\n", "/", 0 },
                { "9:name=systemd:/\n1:cpu:/a\n0::/b c\n", "/b c", 0 },
                { "1:cpu:/0::/x\n", NULL, -ENODATA },
                { "", NULL, -ENODATA },
                { "0::/../user.slice\n", NULL, -EREMOTE },
                { "0::/..\n", NULL, -EREMOTE },
                { "0::/..x\n", "/..x", 0 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_free_ char *path = NULL;

                assert_int_equal(cgroup_path_parse(cases[i].text, &path), cases[i].r);
                if (cases[i].path)
                        assert_string_equal(path, cases[i].path);
        }
}

static void test_cgroup_lacked_memory(void **state)
{
        static const struct { const char *text; bool lacked; } cases[] = {
                { "low 0\nhigh 0\nmax 7\noom 3\noom_kill 0\noom_group_kill 0\n", false },
                { "low 0\nhigh 0\nmax 0\noom 0\noom_kill 2\n", true },
                { "", false },
        };
        const Tree *t = *state;
        Cgroup c = open_unit(t);

        assert_false(cgroup_lacked_memory(&c));
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                put(t, "machine.slice/box@x.service/memory.events", cases[i].text);
                assert_int_equal(cgroup_lacked_memory(&c), cases[i].lacked);
        }
        unlinkat(t->fd, "machine.slice/box@x.service/memory.events", 0);
        cgroup_done(&c);
        assert_false(cgroup_lacked_memory(&c));
}

static void test_cgroup_is_of_user(void **state)
{
        static const struct { const char *path; bool user; } cases[] = {
                { "/user.slice/user-0.slice/session-3.scope", true },
                { "/user.slice/user-1000.slice/user@1000.service/app.slice/x.service", true },
                { "/user.slice/user-1000.slice", true },
                { "/machine.slice/box@x.service/supervisor", false }, { "/system.slice/x.service", false }, { "/", false },
                { "", false }, { "/user.slice/x.service", false }, { "/user.slice/user-x.slice/y.scope", false },
                { "/user-.slice/y.scope", false }, { "/machine.slice/x.service/user-1.slice/y", false },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                if (cgroup_is_of_user(cases[i].path) != cases[i].user)
                        fail_msg("%s", cases[i].path);
}

static void test_cgroup_unit_path(void **state)
{
        static const struct { const char *own, *unit; } cases[] = {
                { "/machine.slice/box@x.service", "/machine.slice/box@x.service" },
                { "/machine.slice/box@x.service/supervisor", "/machine.slice/box@x.service" },
                { "/supervisor", "/" },
                { "/", "/" },
                { "/a/xsupervisor", "/a/xsupervisor" },
                { "/a/supervisor/b", "/a/supervisor/b" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_free_ char *unit = NULL;

                assert_int_equal(cgroup_unit_path(cases[i].own, &unit), 0);
                assert_string_equal(unit, cases[i].unit);
        }
        assert_int_equal(cgroup_unit_path("", &(char *) { NULL }), -EINVAL);
}

static void test_cgroup_of_pid(void **state)
{
        _cleanup_free_ char *own = NULL, *by_pid = NULL, *none = NULL;
        Failure failure = { 0 };

        if (cgroup_of_pid(0, &own, NULL) < 0)
                skip();
        assert_int_equal(cgroup_of_pid(getpid(), &by_pid, NULL), 0);
        assert_string_equal(own, by_pid);
        assert_int_equal(cgroup_of_pid(0x3fffffff, &none, &failure), -ENOENT);
        assert_string_equal(failure.text, "Failed to read /proc/1073741823/cgroup: No such file or directory");
}

static void test_cgroup_open(void **state)
{
        const Tree *t = *state;
        Cgroup c = CGROUP_NULL;
        Failure failure = { 0 };

        assert_int_equal(cgroup_open(t->fd, "/machine.slice/gone", &c, &failure), -ENOENT);
        assert_string_equal(failure.text, "Failed to open cgroup /machine.slice/gone: No such file or directory");

        /* The root of a cgroup namespace. */
        assert_int_equal(cgroup_open(t->fd, "/", &c, NULL), 0);
        assert_int_equal(faccessat(c.unit_fd, "machine.slice", F_OK, 0), 0);
        cgroup_done(&c);
        assert_true(exists(t, "machine.slice/box@x.service"));
}

/* Nothing was created, so nothing is removed. */
static void test_cgroup_done_nothing_made(void **state)
{
        const Tree *t = *state;
        Cgroup c = open_unit(t);

        assert_int_equal(mkdirat(c.unit_fd, "payload", 0755), 0);
        assert_int_equal(mkdirat(c.unit_fd, "supervisor", 0755), 0);
        cgroup_done(&c);
        assert_true(exists(t, "machine.slice/box@x.service/payload"));
        assert_true(exists(t, "machine.slice/box@x.service/supervisor"));
}

static void test_cgroup_make_payload(void **state)
{
        const Tree *t = *state;
        Cgroup c = open_unit(t);
        Failure failure = { 0 };

        put(t, "machine.slice/box@x.service/cgroup.procs", "");
        put(t, "machine.slice/box@x.service/cgroup.controllers", "cpu memory cpuset pids\n");
        put(t, "machine.slice/box@x.service/cgroup.subtree_control", "cpu\n");
        assert_int_equal(mkdirat(c.unit_fd, "other", 0755), 0);

        assert_int_equal(cgroup_make_payload(&c, getuid(), getgid(), &failure), 0);
        assert_true(c.payload_fd >= 0);
        assert_file(t, "machine.slice/box@x.service/cgroup.subtree_control", "+memory +cpuset +pids");

        /* A second call changes nothing. */
        put(t, "machine.slice/box@x.service/cgroup.subtree_control", "cpu memory cpuset pids\n");
        assert_int_equal(cgroup_make_payload(&c, getuid(), getgid(), &failure), 0);
        assert_file(t, "machine.slice/box@x.service/cgroup.subtree_control", "cpu memory cpuset pids\n");

        cgroup_done(&c);
        assert_false(exists(t, "machine.slice/box@x.service/payload"));
        assert_true(exists(t, "machine.slice/box@x.service/other"));
}

static void test_cgroup_make_payload_taken(void **state)
{
        const Tree *t = *state;
        Cgroup c = open_unit(t);
        Failure failure = { 0 };

        assert_int_equal(mkdirat(c.unit_fd, "payload", 0755), 0);
        put(t, "machine.slice/box@x.service/payload/cgroup.events", "populated 1\nfrozen 0\n");
        put(t, "machine.slice/box@x.service/payload/cgroup.kill", "");
        assert_int_equal(cgroup_make_payload(&c, getuid(), getgid(), &failure), -EBUSY);
        assert_string_equal(failure.text, "Another machine is running in cgroup /machine.slice/box@x.service/payload");

        /* The other machine is not killed, nor its cgroup removed. */
        cgroup_done(&c);
        assert_file(t, "machine.slice/box@x.service/payload/cgroup.kill", "");
}

/* A cgroup without processes is reused. */
static void test_cgroup_make_payload_stale(void **state)
{
        const Tree *t = *state;
        Cgroup c = open_unit(t);
        Failure failure = { 0 };

        assert_int_equal(mkdirat(c.unit_fd, "payload", 0755), 0);
        assert_int_equal(mkdirat(c.unit_fd, "payload/system.slice", 0755), 0);
        assert_int_equal(cgroup_make_payload(&c, getuid(), getgid(), &failure), 0);
        cgroup_done(&c);
        assert_false(exists(t, "machine.slice/box@x.service/payload"));
}

/* Many children, and deeper than paths or descriptors allow. */
static void test_cgroup_done_removes_all(void **state)
{
        const Tree *t = *state;
        struct rlimit files, few;
        Cgroup c = open_unit(t);
        Failure failure = { 0 };
        int at;

        assert_int_equal(cgroup_make_payload(&c, getuid(), getgid(), &failure), 0);
        for (unsigned i = 0; i < 50; i++) {
                char name[32];

                (void) snprintf(name, sizeof(name), "w%u", i);
                assert_int_equal(mkdirat(c.payload_fd, name, 0755), 0);
        }

        at = fcntl(c.payload_fd, F_DUPFD_CLOEXEC, 3);
        for (unsigned i = 0; i < 830; i++) {            /* longer than PATH_MAX */
                int next;

                assert_int_equal(mkdirat(at, "deep", 0755), 0);
                if (i % 100 == 0)
                        assert_int_equal(mkdirat(at, "side", 0755), 0);
                next = openat(at, "deep", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                assert_true(next >= 0);
                close(at);
                at = next;
        }
        close(at);

        assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
        few = files;
        few.rlim_cur = 100;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
        cgroup_done(&c);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
        assert_false(exists(t, "machine.slice/box@x.service/payload"));
        assert_true(exists(t, "machine.slice/box@x.service"));
}

static void test_cgroup_enter_supervisor(void **state)
{
        _cleanup_free_ char *own = NULL;
        const Tree *t = *state;
        Cgroup c = open_unit(t);
        Failure failure = { 0 };

        /* As systemd leaves it with DelegateSubgroup=supervisor. */
        assert_int_equal(mkdirat(c.unit_fd, "supervisor", 0755), 0);
        put(t, "machine.slice/box@x.service/supervisor/cgroup.procs", "");
        put(t, "machine.slice/box@x.service/cgroup.procs", "");

        if (cgroup_of_pid(0, &own, NULL) < 0)
                skip();
        assert_int_equal(cgroup_enter_supervisor(&c, &failure), 0);
        assert_file(t, "machine.slice/box@x.service/supervisor/cgroup.procs", "");
        assert_false(c.made_supervisor);

        /* The supervisor did not start in UNIT, so it does not move there. */
        assert_false(c.moved_self);
        cgroup_done(&c);
        assert_file(t, "machine.slice/box@x.service/cgroup.procs", "");
        assert_true(exists(t, "machine.slice/box@x.service/supervisor"));
}

/* Started in UNIT: moves only if there are no other processes in it. */
static void test_cgroup_enter_supervisor_alone(void **state)
{
        const Tree *t = *state;
        Failure failure = { 0 };

        for (int shared = 0; shared < 2; shared++) {
                Cgroup c = open_unit(t);
                char procs[64];

                free(c.unit_path);
                c.unit_path = NULL;
                if (cgroup_of_pid(0, &c.unit_path, NULL) < 0)
                        skip();
                (void) snprintf(procs, sizeof(procs), "%d\n%s", getpid(), shared ? "4711\n" : "");
                put(t, "machine.slice/box@x.service/cgroup.procs", procs);
                if (!shared) {
                        assert_int_equal(mkdirat(c.unit_fd, "supervisor", 0755), 0);
                        put(t, "machine.slice/box@x.service/supervisor/cgroup.procs", "");
                }

                assert_int_equal(cgroup_enter_supervisor(&c, &failure), 0);
                assert_int_equal(c.moved_self, !shared);
                if (!shared)
                        assert_file(t, "machine.slice/box@x.service/supervisor/cgroup.procs", "0");
                /* As the main process of a unit: it does not move back. */
                c.unit_ends_with_us = true;
                cgroup_done(&c);
                assert_file(t, "machine.slice/box@x.service/cgroup.procs", procs);
        }
}

static void test_cgroup_move_to_payload(void **state)
{
        const Tree *t = *state;
        Cgroup c = open_unit(t);
        Failure failure = { 0 };

        assert_int_equal(mkdirat(c.unit_fd, "payload", 0755), 0);
        put(t, "machine.slice/box@x.service/payload/cgroup.procs", "");
        put(t, "machine.slice/box@x.service/cgroup.controllers", "memory\n");
        put(t, "machine.slice/box@x.service/cgroup.subtree_control", "");
        /* Not while the leader is in UNIT: that would make it a threaded cgroup. */
        put(t, "machine.slice/box@x.service/cgroup.procs", "4711\n");
        assert_int_equal(cgroup_make_payload(&c, getuid(), getgid(), &failure), 0);
        assert_file(t, "machine.slice/box@x.service/cgroup.subtree_control", "");

        put(t, "machine.slice/box@x.service/cgroup.procs", "");
        assert_int_equal(cgroup_move_to_payload(&c, 4711, &failure), 0);
        assert_file(t, "machine.slice/box@x.service/payload/cgroup.procs", "4711");
        assert_file(t, "machine.slice/box@x.service/cgroup.subtree_control", "+memory");

        assert_int_equal(unlinkat(c.payload_fd, "cgroup.procs", 0), 0);
        assert_int_equal(cgroup_move_to_payload(&c, 4711, &failure), -ENOENT);
        assert_non_null(strstr(failure.text, "process 4711 into cgroup /machine.slice/box@x.service/payload"));
        cgroup_done(&c);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_cgroup_path_parse),
                cmocka_unit_test(test_cgroup_is_of_user),
                cmocka_unit_test(test_cgroup_unit_path),
                cmocka_unit_test(test_cgroup_of_pid),
                TEST(test_cgroup_open),
                TEST(test_cgroup_lacked_memory),
                TEST(test_cgroup_done_nothing_made),
                TEST(test_cgroup_make_payload),
                TEST(test_cgroup_make_payload_taken),
                TEST(test_cgroup_make_payload_stale),
                TEST(test_cgroup_done_removes_all),
                TEST(test_cgroup_enter_supervisor),
                TEST(test_cgroup_enter_supervisor_alone),
                TEST(test_cgroup_move_to_payload),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
