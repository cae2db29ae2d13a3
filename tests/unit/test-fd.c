/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/failure.h"
#include "util/fd.h"

static void test_fd_read_all_bounds(void **state)
{
        _cleanup_free_ char *text = NULL;
        size_t size = 0;
        char *none = NULL;
        int p[2];

        for (int max = 9; max <= 10; max++) {
                assert_int_equal(pipe(p), 0);
                assert_int_equal(fd_write_all(p[1], "0123456789", 10), 0);
                close(p[1]);
                if (max == 9)
                        assert_int_equal(fd_read_all(p[0], 9, &none, NULL), -E2BIG);
                else
                        assert_int_equal(fd_read_all(p[0], 10, &text, &size), 0);
                close(p[0]);
        }
        assert_null(none);
        assert_int_equal(size, 10);
        assert_string_equal(text, "0123456789");
}

static void test_secure_standard_streams(void **state)
{
        int saved[3], other;
        char c;

        for (int fd = 0; fd < 3; fd++)
                saved[fd] = fcntl(fd, F_DUPFD_CLOEXEC, 10);
        close(0);
        close(2);
        assert_int_equal(fd_secure_standard_streams(O_RDONLY), 0);
        other = open("/dev/zero", O_RDONLY | O_CLOEXEC);
        assert_int_equal(read(0, &c, 1), 0);
        assert_int_equal(write(2, "x", 1), -1);
        for (int fd = 0; fd < 3; fd++)
                assert_int_equal(dup2(saved[fd], fd) < 0 ? -1 : close(saved[fd]), 0);
        assert_true(other > 2);
        close(other);
}

static void test_read_and_write_file_at(void **state)
{
        char dir[] = "/tmp/test-fd-XXXXXX";
        _cleanup_free_ char *text = NULL;
        _cleanup_close_ int fd = -EBADF;
        size_t size;

        assert_non_null(mkdtemp(dir));
        fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(fd_write_file_at(fd, "file", "text"), -ENOENT);
        assert_int_equal(fd_read_file_at(fd, "file", 10, &text, NULL), -ENOENT);
        assert_int_equal(mknodat(fd, "file", S_IFREG | 0600, 0), 0);
        assert_int_equal(fd_write_file_at(fd, "file", "text"), 0);
        assert_int_equal(fd_read_file_at(fd, "file", 3, &text, NULL), -E2BIG);
        assert_null(text);
        assert_int_equal(fd_read_file_at(fd, "file", 4, &text, &size), 0);
        assert_string_equal(text, "text");
        assert_int_equal(size, 4);
        assert_int_equal(unlinkat(fd, "file", 0), 0);
        assert_int_equal(rmdir(dir), 0);
}

static void test_failure_first_wins_and_is_one_line(void **state)
{
        Failure f = {};

        assert_int_equal(failure_set(&f, -ENOENT, "No '%s': %m", "a\nb\033[2J"), -ENOENT);
        assert_int_equal(failure_set(&f, -EIO, "Later"), -EIO);
        assert_int_equal(f.error, -ENOENT);
        assert_string_equal(f.text, "No 'a?b?[2J': No such file or directory");
        assert_int_equal(failure_set(NULL, -EIO, "Nobody listens"), -EIO);
}

static void test_close_all_but(void **state)
{
        int fds[6], keep[] = { -EBADF, 0, 0 };

        for (size_t i = 0; i < 6; i++) {
                fds[i] = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 200);
                assert_true(fds[i] >= 200);
        }
        keep[1] = fds[4];
        keep[2] = fds[1];
        assert_int_equal(fd_close_all_but(fds[1], keep, ARRAY_SIZE(keep)), 0);
        for (size_t i = 0; i < 6; i++)
                assert_int_equal(fcntl(fds[i], F_GETFD) >= 0, i == 0 || i == 1 || i == 4);
        assert_int_equal(fd_close_all_but(fds[0], keep, 1), 0);
        for (size_t i = 0; i < 6; i++)
                assert_int_equal(fcntl(fds[i], F_GETFD), -1);
}

static void test_take_fd(void **state)
{
        int fd = 7, moved = TAKE_FD(fd);

        assert_int_equal(moved, 7);
        assert_int_equal(fd, -EBADF);
}

static void test_fd_mkdir(void **state)
{
        char top[] = "/tmp/box-test-mkdir.XXXXXX", path[64], file[64];
        struct stat st;

        assert_non_null(mkdtemp(top));
        (void) snprintf(path, sizeof(path), "%s/a/b/c", top);
        (void) snprintf(file, sizeof(file), "%s/a/b/c/../file/d", top);
        assert_int_equal(fd_mkdir(path, 0700), 0);
        assert_int_equal(fd_mkdir(path, 0755), 0);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0700);
        *strrchr(path, '/') = 0;
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777 & ~0022U, 0755);
        assert_int_equal(fd_mkdir(file, 0755), 0);
        assert_int_equal(fd_mkdir("/proc/none/none", 0755), -ENOENT);
        *strrchr(file, '/') = 0;

        (void) snprintf(path, sizeof(path), "rm -r %s", top);
        assert_int_equal(system(path), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_fd_read_all_bounds),
                cmocka_unit_test(test_read_and_write_file_at),
                cmocka_unit_test(test_failure_first_wins_and_is_one_line),
                cmocka_unit_test(test_secure_standard_streams),
                cmocka_unit_test(test_close_all_but),
                cmocka_unit_test(test_take_fd),
                cmocka_unit_test(test_fd_mkdir),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
