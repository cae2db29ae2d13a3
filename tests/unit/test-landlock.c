/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What may be reached by Landlock's rules, and what may not, in a child process of its own. */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "security/landlock.h"
#include "test.h"
#include "util/fd.h"

static char dir[] = "/tmp/box-landlock-XXXXXX";

static int try_open(const char *name, int flags)
{
        _cleanup_close_ int fd = open(name, flags | O_CLOEXEC, 0600);

        return fd < 0 ? -errno : 0;
}

/* The number of the first expectation that is wrong; 0: none; 77: no Landlock. */
static int inside(void)
{
        _cleanup_close_ int read_fd = open("read", O_PATH | O_DIRECTORY | O_CLOEXEC);
        const LandlockRule rules[] = {
                { NULL, read_fd, LANDLOCK_READ }, { "write", -EBADF, LANDLOCK_WRITE }, { "edit", -EBADF, LANDLOCK_EDIT },
                { "remove", -EBADF, LANDLOCK_REMOVE }, { "missing", -EBADF, LANDLOCK_EDIT }, { NULL, -EBADF, LANDLOCK_EDIT },
        };
        int r;

        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                return 1;
        r = landlock_restrict(rules, ARRAY_SIZE(rules), NULL);
        if (r <= 0)
                return r == 0 ? 77 : 2;
        if (try_open("read/x", O_RDONLY) != 0 || try_open("read/x", O_WRONLY) != -EACCES)
                return 3;
        if (try_open("write/x", O_WRONLY) != 0 || try_open("write/y", O_WRONLY | O_CREAT) != -EACCES || unlink("write/x") >= 0)
                return 4;
        if (try_open("edit/y", O_WRONLY | O_CREAT) != 0 || unlink("edit/y") < 0 || mkdir("edit/d", 0700) < 0 ||
            rmdir("edit/d") < 0)
                return 5;
        if (try_open("remove/x", O_RDONLY) != -EACCES || unlink("remove/x") < 0)
                return 6;
        return try_open("other/x", O_RDONLY) == -EACCES && try_open("/etc/passwd", O_RDONLY) == -EACCES ? 0 : 7;
}

static void test_rules(void **state)
{
        static const char *const names[] = { "read", "write", "edit", "remove", "other" };
        int status = -1;
        pid_t pid;

        assert_non_null(mkdtemp(dir));
        assert_return_code(chdir(dir), errno);
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                char path[32];

                assert_return_code(mkdir(names[i], 0700), errno);
                (void) snprintf(path, sizeof(path), "%s/x", names[i]);
                assert_int_equal(try_open(path, O_WRONLY | O_CREAT), 0);
        }
        pid = fork();
        if (pid == 0)
                _exit(inside());
        assert_int_equal(waitpid(pid, &status, 0), pid);
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                char path[32];

                (void) snprintf(path, sizeof(path), "%s/x", names[i]);
                (void) unlink(path);
                (void) rmdir(names[i]);
        }
        (void) rmdir(dir);
        assert_true(WIFEXITED(status));
        assert_in_set(WEXITSTATUS(status), ((const uintmax_t[]) { 0, 77 }), 2);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rules),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
