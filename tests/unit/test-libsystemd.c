/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* libsystemd is loaded by the first call of one of its functions (util/libsystemd.h). */

#include "test.h"

#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/fd.h"
#include "util/libsystemd.h"

/* In a process that can open no file, so that the library is as good as missing. */
static _Noreturn void call_without_files(int output)
{
        const struct rlimit none = { 3, 3 };

        if (dup2(output, STDERR_FILENO) < 0 || setrlimit(RLIMIT_NOFILE, &none) < 0)
                _exit(100);
        sd_event_unref(NULL);
        _exit(101);
}

static void test_missing(void **state)
{
        char text[400] = "";
        int fds[2], status;
        pid_t pid;

        assert_null(libsystemd_loaded);
        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
                call_without_files(fds[1]);
        fd_close(fds[1]);
        assert_true(read(fds[0], text, sizeof(text) - 1) > 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), EXIT_FAILURE);
        assert_non_null(strstr(text, "needs libsystemd.so.0, which is not installed"));
        fd_close(fds[0]);
}

static void test_loaded_by_a_call(void **state)
{
        sd_id128_t a = SD_ID128_NULL, b = SD_ID128_NULL;
        const LibSystemd *library;

        assert_null(libsystemd_loaded);
        assert_int_equal(sd_id128_randomize(&a), 0);
        library = libsystemd_loaded;
        assert_non_null(library);
        assert_int_equal(sd_id128_randomize(&b), 0);
        assert_false(sd_id128_equal(a, b));
        assert_ptr_equal(libsystemd_loaded, library);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_missing),
                cmocka_unit_test(test_loaded_by_a_call),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
