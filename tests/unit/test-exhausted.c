/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A limit that is used up, as that of a user namespace: the host's own is everyone's. */

#include "test.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run/exhausted.h"
#include "util/fd.h"

enum { NAMED, NOT_NAMED, OTHER, CANNOT_TRY };

/* In a process of its own, with so many inotify instances allowed. */
static int named_with(const char *instances)
{
        pid_t pid = fork();
        const char *limit;
        int status;

        assert_true(pid >= 0);
        if (pid == 0) {
                if (unshare(CLONE_NEWUSER) < 0 ||
                    fd_write_file_at(AT_FDCWD, "/proc/sys/user/max_inotify_instances", instances) < 0)
                        _exit(CANNOT_TRY);
                limit = exhausted_limit(0);
                _exit(!limit ? NOT_NAMED : strcmp(limit, "fs.inotify.max_user_instances") == 0 ? NAMED : OTHER);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        return WEXITSTATUS(status);
}

static void test_exhausted_inotify(void **state)
{
        int enough = named_with("100");

        /* A build without user namespaces; the system tests have them. */
        if (enough == CANNOT_TRY)
                return;
        assert_int_equal(enough, NOT_NAMED);
        assert_int_equal(named_with("5"), NOT_NAMED);
        assert_int_equal(named_with("4"), NAMED);
        assert_int_equal(named_with("0"), NAMED);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_exhausted_inotify),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
