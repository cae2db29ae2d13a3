/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Lock files between two holders: two open files of this process, or this process and a child. */

#include "tree-fixture.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "util/lock-file.h"

static const char *path_in(const Tree *t)
{
        static char path[96];

        (void) snprintf(path, sizeof(path), "%s/lock", t->path);
        return path;
}

static void test_exclusive_and_shared(void **state)
{
        LockFile a = LOCK_FILE_NULL, b = LOCK_FILE_NULL;
        const char *path = path_in(*state);

        assert_int_equal(lock_file_take(path, 0, &a), 0);
        assert_int_equal(lock_file_take(path, 0, &b), -EBUSY);
        assert_int_equal(lock_file_take(path, LOCK_FILE_SHARED, &b), -EBUSY);
        assert_int_equal(b.fd, -EBADF);
        lock_file_release(&b);
        assert_int_equal(access(path, F_OK), 0);
        lock_file_release(&a);
        assert_int_equal(access(path, F_OK), -1);
        lock_file_release(&a);

        assert_int_equal(lock_file_take(path, LOCK_FILE_SHARED, &a), 0);
        assert_int_equal(lock_file_take(path, LOCK_FILE_SHARED, &b), 0);
        lock_file_release(&a);
        assert_int_equal(access(path, F_OK), 0);
        lock_file_release(&b);
        assert_int_equal(access(path, F_OK), -1);
}

static void test_holder(void **state)
{
        LockFile a = LOCK_FILE_NULL;
        const char *path = path_in(*state);
        char name[LOCK_FILE_HOLDER_MAX];

        assert_false(lock_file_read_holder(path, name));
        assert_int_equal(lock_file_take(path, 0, &a), 0);
        assert_true(lock_file_read_holder(path, name));
        assert_string_equal(name, "");
        assert_int_equal(lock_file_write_holder(&a, "a-machine"), 0);
        assert_true(lock_file_read_holder(path, name));
        assert_string_equal(name, "a-machine");

        /* Nobody holds a file that was left behind. */
        assert_int_equal(linkat(AT_FDCWD, path, ((const Tree *) *state)->fd, "left", 0), 0);
        lock_file_release(&a);
        assert_int_equal(renameat(((const Tree *) *state)->fd, "left", AT_FDCWD, path), 0);
        assert_false(lock_file_read_holder(path, name));
        assert_int_equal(unlink(path), 0);
}

static void test_fdinfo(void **state)
{
        static const char text[] = "pos:\t0\nflags:\t02100002\nmnt_id:\t37\nino:\t77\n"
                                   "lock:\t1: OFDLCK ADVISORY  WRITE -1 00:1a:1234 0 EOF\n";

        assert_true(lock_file_in_fdinfo(text, 1234));
        assert_false(lock_file_in_fdinfo(text, 234));
        assert_false(lock_file_in_fdinfo(text, 123));
        assert_false(lock_file_in_fdinfo(text, 77));
        /* The number is not in the line of a lock. */
        assert_false(lock_file_in_fdinfo("lock:\t1: none\nx:1234 0\n", 1234));
        assert_false(lock_file_in_fdinfo("", 1234));
}

/* Another process has the lock, and it has other files open. */
static void test_process_that_holds(void **state)
{
        const char *path = path_in(*state);
        LockFile a = LOCK_FILE_NULL;
        pid_t pid, found = -1;
        int ready[2], status;
        char byte;

        assert_false(lock_file_is_held(path, 0, &found));
        assert_int_equal(pipe(ready), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                if (lock_file_take(path, LOCK_FILE_SHARED, &a) < 0 || write(ready[1], "", 1) != 1)
                        _exit(1);
                for (;;)
                        pause();
        }
        assert_int_equal(read(ready[0], &byte, 1), 1);
        assert_true(lock_file_is_held(path, 0, &found));
        assert_int_equal(found, pid);
        found = -1;
        assert_false(lock_file_is_held(path, LOCK_FILE_SHARED, &found));
        assert_int_equal(found, -1);
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_false(lock_file_is_held(path, 0, &found));
        assert_int_equal(unlink(path), 0);
        (void) close(ready[0]);
        (void) close(ready[1]);
}

/* A waiter gets an existing file, although the previous holder removed the one that it waited for. */
static void test_waiting(void **state)
{
        static const struct timespec pause = { .tv_nsec = 50 * 1000000 };
        const char *path = path_in(*state);
        LockFile a = LOCK_FILE_NULL, b = LOCK_FILE_NULL;
        int status;
        pid_t pid;

        assert_int_equal(lock_file_take(path, 0, &a), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                struct stat st;

                fd_close(a.fd);
                if (lock_file_take(path, LOCK_FILE_WAIT, &b) < 0 || stat(path, &st) < 0)
                        _exit(1);
                lock_file_release(&b);
                _exit(0);
        }
        (void) nanosleep(&pause, NULL);
        assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
        lock_file_release(&a);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        assert_int_equal(access(path, F_OK), -1);
}

/* The lock ends with its holder, however that ends; the file that is left is taken over. */
static void test_holder_dies(void **state)
{
        const char *path = path_in(*state);
        LockFile a = LOCK_FILE_NULL;
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0) {
                LockFile b;

                _exit(lock_file_take(path, 0, &b) < 0);
        }
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        assert_int_equal(access(path, F_OK), 0);
        assert_int_equal(lock_file_take(path, 0, &a), 0);
        lock_file_release(&a);
        assert_int_equal(access(path, F_OK), -1);
}

static void test_no_file(void **state)
{
        LockFile a = LOCK_FILE_NULL;
        const char *path = path_in(*state);

        assert_int_equal(symlink("/etc/passwd", path), 0);
        assert_int_equal(lock_file_take(path, 0, &a), -ELOOP);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(mkfifo(path, 0600), 0);
        assert_int_equal(lock_file_take(path, 0, &a), -EBADFD);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(lock_file_take("/nonexistent/lock", 0, &a), -ENOENT);
        assert_int_equal(a.fd, -EBADF);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TREE_TEST(test_exclusive_and_shared),
                TREE_TEST(test_holder),
                TREE_TEST(test_fdinfo),
                TREE_TEST(test_process_that_holds),
                TREE_TEST(test_waiting),
                TREE_TEST(test_holder_dies),
                TREE_TEST(test_no_file),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
