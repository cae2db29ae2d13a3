/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Needs no privilege: it first goes into a user namespace of its own, where it may map what it has there. */

#include "test.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "users/user-namespace.h"
#include "util/fd.h"

static void test_id_map_format(void **state)
{
        IdMap map = { .lines = { { 0, 524288, 65536 }, { 60514, 1000, 1 } }, .n = 2 };
        char buf[64];

        assert_int_equal(id_map_format(&map, buf, sizeof(buf)), 0);
        assert_string_equal(buf, "0 524288 65536\n60514 1000 1\n");
        assert_int_equal(id_map_format(&map, buf, 29), 0);
        assert_int_equal(id_map_format(&map, buf, 28), -ENOBUFS);
        map.n = 0;
        assert_int_equal(id_map_format(&map, buf, 1), 0);
        assert_string_equal(buf, "");
}

static void test_id_map_lookup(void **state)
{
        const IdMap map = { .lines = { { 0, 524288, 65536 }, { 100000, 1000, 1 } }, .n = 2 };
        const IdMap same = { .lines = { { 0, 0, 10 }, { 20, 20, 1 } }, .n = 2 };
        uint32_t host = 7, id, low, high;

        assert_true(id_map_to_host(&map, 0, &host));
        assert_int_equal(host, 524288);
        assert_true(id_map_to_host(&map, 65535, &host));
        assert_int_equal(host, 589823);
        assert_true(id_map_to_host(&map, 100000, &host));
        assert_int_equal(host, 1000);
        assert_false(id_map_to_host(&map, 65536, &host));
        assert_false(id_map_to_host(&map, UINT32_MAX, &host));
        assert_int_equal(host, 1000);

        assert_true(id_map_has_host(&map, 524288) && id_map_has_host(&map, 589823) && id_map_has_host(&map, 1000));
        assert_true(id_map_from_host(&map, 524300, &id) && id == 12);
        assert_false(id_map_from_host(&map, 589824, &id));
        assert_false(id_map_has_host(&map, 0) || id_map_has_host(&map, 589824) || id_map_has_host(&map, 1001));
        assert_true(id_map_is_shifted(&map, 524288));
        assert_false(id_map_is_shifted(&map, 1000) || id_map_is_shifted(&map, 70000) || id_map_is_shifted(&same, 0));
        assert_true(id_map_host_range(&map, &low, &high));
        assert_int_equal(low, 1000);
        assert_int_equal(high, 589823);
        assert_false(id_map_host_range(&(IdMap) { 0 }, &low, &high));
        assert_true(id_map_is_identity(&same));
        assert_false(id_map_is_identity(&map));
}

static void test_map_from_base(void **state)
{
        const IdMap map = { .lines = { { 0, 524288, 60000 }, { 60000, 1000, 10000 }, { 70000, 5, 1 } }, .n = 3 };
        const IdMap shifted = id_map_from_base(&map, 2147352576, 65536);

        assert_int_equal(shifted.n, 2);
        assert_int_equal(shifted.lines[0].inside, 2147352576);
        assert_int_equal(shifted.lines[0].outside, 524288);
        assert_int_equal(shifted.lines[0].count, 60000);
        assert_int_equal(shifted.lines[1].inside, 2147412576);
        assert_int_equal(shifted.lines[1].outside, 1000);
        assert_int_equal(shifted.lines[1].count, 5536);
}

static void expect_map(const IdMap *map, const char *text)
{
        char buf[256];

        assert_int_equal(id_map_format(map, buf, sizeof(buf)), 0);
        assert_string_equal(buf, text);
}

static void test_id_map_carve(void **state)
{
        IdMap map = { .lines = { { 0, 524288, 65536 }, { 100000, 1000, 2 } }, .n = 2 };

        assert_true(id_map_override(&map, 60514, 1500));
        expect_map(&map, "0 524288 60514\n60514 1500 1\n60515 584803 5021\n100000 1000 2\n");
        assert_true(id_map_override(&map, 0, 7) && id_map_override(&map, 100001, 8) && id_map_override(&map, 200000, 9));
        expect_map(&map, "0 7 1\n1 524289 60513\n60514 1500 1\n60515 584803 5021\n100000 1000 1\n100001 8 1\n200000 9 1\n");

        /* No more lines than there is room for. */
        map = (IdMap) { .lines = { { 0, 0, 1000 } }, .n = 1 };
        for (unsigned i = 0; i < (ARRAY_SIZE(map.lines) - 1) / 2; i++)
                assert_true(id_map_override(&map, 2 * i + 1, 5000 + i));
        assert_true(map.n >= ARRAY_SIZE(map.lines) - 1);
        assert_false(id_map_override(&map, 500, 9000));
        assert_true(map.n <= ARRAY_SIZE(map.lines));
}

/* The maximal number of the widest lines fits the buffer of user_namespace_write_maps(): only the kernel refuses them. */
static void test_user_namespace_widest(void **state)
{
        IdMap map = { .n = ARRAY_SIZE(map.lines) };
        Failure failure = { 0 };
        int r;

        for (unsigned i = 0; i < map.n; i++)
                map.lines[i] = (IdMapLine) { 4294967295U, 4294967295U, 4294967295U };
        r = user_namespace_new(&map, &map, &failure);
        assert_true(r == -EINVAL || r == -EPERM);
        assert_non_null(strstr(failure.text, "4294967295 4294967295 4294967295"));
}

static void read_map(const char *file, char *buf, size_t size)
{
        _cleanup_close_ int fd = open(file, O_RDONLY | O_CLOEXEC);
        unsigned inside, outside, count;
        char text[256] = { 0 };

        assert_true(fd >= 0);
        assert_true(read(fd, text, sizeof(text) - 1) > 0);
        assert_int_equal(sscanf(text, "%u %u %u", &inside, &outside, &count), 3);
        (void) snprintf(buf, size, "%u %u %u", inside, outside, count);
}

/* The map is seen by one who goes in. */
static void test_user_namespace_new(void **state)
{
        IdMap map = { .lines = { { 7, 0, 1 } }, .n = 1 };
        Failure failure = { 0 };
        int fd = user_namespace_new(&map, &map, &failure), status;
        pid_t pid;

        assert_string_equal(failure.text, "");
        assert_true(fd >= 0);
        assert_int_equal(waitpid(-1, &status, __WALL | WNOHANG), -1);
        assert_int_equal(errno, ECHILD);

        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                char uids[64], gids[64];

                if (setns(fd, CLONE_NEWUSER) < 0)
                        _exit(1);
                read_map("/proc/self/uid_map", uids, sizeof(uids));
                read_map("/proc/self/gid_map", gids, sizeof(gids));
                /* The second number is as seen from inside. */
                _exit(strncmp(uids, "7 ", 2) == 0 && strncmp(gids, "7 ", 2) == 0 && getuid() == 7 ? 0 : 2);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
        close(fd);
}

static void test_user_namespace_new_refused(void **state)
{
        /* An id that we don't have. */
        IdMap map = { .lines = { { 0, 3000000000U, 1 } }, .n = 1 };
        Failure failure = { 0 };
        int status;

        assert_int_equal(user_namespace_new(&map, &map, &failure), -EPERM);
        assert_non_null(strstr(failure.text, "\"0 3000000000 1\" to the child's uid_map"));
        assert_int_equal(waitpid(-1, &status, __WALL | WNOHANG), -1);
}

static bool write_text(const char *path, const char *text)
{
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

        return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t) strlen(text);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_id_map_format),
                cmocka_unit_test(test_map_from_base),
                cmocka_unit_test(test_id_map_lookup),
                cmocka_unit_test(test_id_map_carve),
                cmocka_unit_test(test_user_namespace_widest),
                cmocka_unit_test(test_user_namespace_new),
                cmocka_unit_test(test_user_namespace_new_refused),
        };
        char uids[32], gids[32];

        (void) snprintf(uids, sizeof(uids), "0 %u 1", geteuid());
        (void) snprintf(gids, sizeof(gids), "0 %u 1", getegid());
        if (unshare(CLONE_NEWUSER) < 0 || !write_text("/proc/self/uid_map", uids) ||
            !write_text("/proc/self/setgroups", "deny") || !write_text("/proc/self/gid_map", gids))
                return 77;

        return cmocka_run_group_tests(tests, NULL, NULL);
}
