/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "test.h"

#include <sched.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "payload/time-namespace.h"

static void test_offsets(void **state)
{
        static const struct { TimeOrigin zero; const char *text; } cases[] = {
                { { { 0, 0 }, { 0, 0 } }, "monotonic 0 0\nboottime 0 0\n" },
                { { { 5, 0 }, { 7, 1 } }, "monotonic -5 0\nboottime -8 999999999\n" },
                { { { 0, 999999999 }, { 123456789012, 500000000 } }, "monotonic -1 1\nboottime -123456789013 500000000\n" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                char text[TIME_OFFSETS_MAX];

                assert_string_equal(time_origin_offsets(&cases[i].zero, text), cases[i].text);
        }
}

static void test_now(void **state)
{
        TimeOrigin a = time_origin_now(), b = time_origin_now();

        assert_true(a.monotonic.tv_sec > 0 && a.boottime.tv_sec >= a.monotonic.tv_sec);
        assert_true(b.boottime.tv_sec > a.boottime.tv_sec || b.boottime.tv_nsec >= a.boottime.tv_nsec);
}

/* In a child process, as a time namespace cannot be left. */
static int child(void)
{
        TimeOrigin zero = time_origin_now(), now;
        Failure failure = { 0 };

        if (unshare(CLONE_NEWUSER) < 0 || time_namespace_enter(&zero, &failure) < 0) {
                (void) dprintf(STDERR_FILENO, "%s\n", failure.text);
                return 1;
        }
        now = time_origin_now();
        if (now.boottime.tv_sec != 0 || now.monotonic.tv_sec != 0)
                return 2;

        return 0;
}

static void test_enter(void **state)
{
        pid_t pid = fork();
        int status = 0;

        assert_true(pid >= 0);
        if (pid == 0)
                _exit(child());
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_offsets),
                cmocka_unit_test(test_now),
                cmocka_unit_test(test_enter),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
