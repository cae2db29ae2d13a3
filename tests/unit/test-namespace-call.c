/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Needs no privilege: it has capabilities in user namespaces that it creates. */

#include "test.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/fd.h"
#include "util/namespace-call.h"

static int open_null(void *argument)
{
        *(pid_t *) argument = getpid();
        return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void test_result(void **state)
{
        _cleanup_close_ int fd = -EBADF;
        pid_t pid = 0;

        fd = namespace_call(-EBADF, 0, open_null, &pid);
        assert_true(fd >= 0);
        assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
        assert_true(pid > 0 && pid != getpid());
        assert_int_equal(kill(pid, 0), -1);
        assert_int_equal(errno, ESRCH);
}

static void test_no_sigchld(void **state)
{
        sigset_t chld, before, pending;
        pid_t pid;

        sigemptyset(&chld);
        sigaddset(&chld, SIGCHLD);
        assert_int_equal(sigprocmask(SIG_BLOCK, &chld, &before), 0);
        fd_close(namespace_call(-EBADF, 0, open_null, &pid));
        assert_int_equal(sigpending(&pending), 0);
        assert_false(sigismember(&pending, SIGCHLD));
        assert_int_equal(sigprocmask(SIG_SETMASK, &before, NULL), 0);
}

static int kill_itself(void *argument)
{
        (void) kill(getpid(), SIGKILL);
        return 0;
}

static void test_killed(void **state)
{
        assert_int_equal(namespace_call(-EBADF, 0, kill_itself, NULL), -ECHILD);
}

static void test_no_namespace(void **state)
{
        _cleanup_close_ int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        pid_t pid = 0;

        assert_int_equal(namespace_call(fd, CLONE_NEWNET, open_null, &pid), -EINVAL);
        assert_int_equal(pid, 0);
}

static ino_t namespace_of(pid_t pid)
{
        struct stat st;
        char path[64];

        (void) snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
        assert_int_equal(stat(path, &st), 0);
        return st.st_ino;
}

static int open_namespace(pid_t pid, void *argument)
{
        char path[64];

        (void) snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
        *(ino_t *) argument = namespace_of(pid);
        return open(path, O_RDONLY | O_CLOEXEC);
}

static int read_namespace(void *argument)
{
        *(ino_t *) argument = namespace_of(getpid());
        return 0;
}

/* A namespace that is held can be joined after its helper is gone. */
static void test_hold_and_join(void **state)
{
        ino_t held = 0, joined = 0, own = namespace_of(getpid());
        _cleanup_close_ int fd = namespace_hold(CLONE_NEWUSER, open_namespace, &held);

        assert_true(fd >= 0);
        assert_int_not_equal(held, own);
        assert_int_equal(namespace_call(fd, CLONE_NEWUSER, read_namespace, &joined), 0);
        assert_int_equal(joined, held);
        assert_int_equal(namespace_of(getpid()), own);
        assert_int_equal(waitpid(-1, NULL, __WALL | WNOHANG), -1);
        assert_int_equal(errno, ECHILD);
}

/* 1000 frames of 4 KiB: far more than the stack has. */
__attribute__((no_sanitize("address"))) static int overflow(void *depth)
{
        char frame[4096] = "x";

        /* The frame is in use during the call below, so that the compiler cannot make a loop of it. */
        __asm__ volatile("" : : "r"(frame) : "memory");
        return ++*(unsigned *) depth >= 1000 ? 0 : overflow(depth) + frame[0];
}

/* In a child process, since without a guard page it overwrites other memory. */
static void test_overflow(void **state)
{
        pid_t pid = fork();
        unsigned depth = 0;
        int status = 0;

        assert_true(pid >= 0);
        if (pid == 0)
                _exit(namespace_call(-EBADF, 0, overflow, &depth) == -ECHILD ? 0 : 1);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_result),
                cmocka_unit_test(test_no_sigchld),
                cmocka_unit_test(test_killed),
                cmocka_unit_test(test_no_namespace),
                cmocka_unit_test(test_hold_and_join),
                cmocka_unit_test(test_overflow),
        };

        return cmocka_run_group_tests_name("namespace-call", tests, NULL, NULL);
}
