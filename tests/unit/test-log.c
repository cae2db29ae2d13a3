/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "test.h"

#include <fcntl.h>
#include <unistd.h>

#include "util/fd.h"
#include "util/log.h"

/* Runs log_error() with standard error in a pipe. */
static void expect(const char *argument, const char *want)
{
        _cleanup_free_ char *got = NULL;
        int saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3), p[2];

        assert_true(saved >= 0);
        assert_int_equal(pipe2(p, O_CLOEXEC), 0);
        assert_true(dup2(p[1], STDERR_FILENO) >= 0);
        assert_int_equal(log_error(-ENOENT, "No '%s': %m", argument), -ENOENT);
        assert_int_equal(log_debug(-EIO, "Not printed"), -EIO);
        assert_true(dup2(saved, STDERR_FILENO) >= 0);
        close(saved);
        close(p[1]);
        assert_int_equal(fd_read_all(p[0], 4096, &got, NULL), 0);
        close(p[0]);
        assert_string_equal(got, want);
}

static void test_one_line(void **state)
{
        log_setup("program", LOG_INFO);
        expect("name", "program: No 'name': No such file or directory\n");
}

static void test_control_characters(void **state)
{
        expect("a\033[2J\nb\r\xc2\x9b\xff", "program: No 'a?[2J?b??" "?" "?': No such file or directory\n");
        expect("\xc3\xa4", "program: No '\xc3\xa4': No such file or directory\n");
}

static void test_long(void **state)
{
        char argument[3000], want[2049];

        memset(argument, 'x', sizeof(argument));
        argument[sizeof(argument) - 1] = 0;
        memset(want, 'x', sizeof(want));
        memcpy(want, "program: No '", 13);
        memcpy(want + 2046, "\n", 2);
        expect(argument, want);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_one_line),
                cmocka_unit_test(test_control_characters),
                cmocka_unit_test(test_long),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
