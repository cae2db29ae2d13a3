/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "test.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "run/sync.h"
#include "util/fd.h"

typedef struct Pair {
        int here, there;
} Pair;

static int setup(void **state)
{
        static Pair p;
        int fds[2];

        assert_int_equal(sync_pair(fds), 0);
        p = (Pair) { fds[0], fds[1] };
        *state = &p;
        return 0;
}

static int teardown(void **state)
{
        Pair *p = *state;

        fd_close(p->here);
        fd_close(p->there);
        return 0;
}

static unsigned open_fds(void)
{
        DIR *d = opendir("/proc/self/fd");
        unsigned n = 0;

        assert_non_null(d);
        while (readdir(d))
                n++;
        closedir(d);
        return n;
}

/* Pipes, since each has an inode of its own that tells it from the others. */
static void make_mounts(MountWork *mounts, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                int ends[2];

                assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
                mounts[i].fd = ends[0];
                fd_close(ends[1]);
        }
}

static void clear_mounts(MountWork *mounts, size_t n)
{
        for (size_t i = 0; i < n; i++)
                mounts[i].fd = -EBADF;
}

static ino_t inode(int fd)
{
        struct stat st;

        assert_int_equal(fstat(fd, &st), 0);
        return st.st_ino;
}

static void test_sync_kinds_in_order(void **state)
{
        Pair *p = *state;

        assert_int_equal(sync_send(p->here, SYNC_SET_UP), 0);
        assert_int_equal(sync_send(p->here, SYNC_EXECUTE), 0);
        assert_int_equal(sync_wait(p->there, SYNC_SET_UP, NULL, 0, NULL), 0);
        assert_int_equal(sync_wait(p->there, SYNC_EXECUTE, NULL, 0, NULL), 0);

        assert_int_equal(sync_send(p->there, SYNC_PREPARED), 0);
        assert_int_equal(sync_wait(p->here, SYNC_PREPARED, NULL, 0, NULL), 0);
}

static void test_sync_out_of_order(void **state)
{
        Pair *p = *state;

        assert_int_equal(sync_send(p->here, SYNC_EXECUTE), 0);
        assert_int_equal(sync_wait(p->there, SYNC_SET_UP, NULL, 0, NULL), -EBADMSG);
}

static void test_sync_foreign_message(void **state)
{
        Pair *p = *state;

        assert_int_equal(send(p->here, "short", 5, 0), 5);
        assert_int_equal(sync_wait(p->there, SYNC_SET_UP, NULL, 0, NULL), -EBADMSG);
}

/* A warning is logged, and does not end the wait. */
static void test_sync_warning(void **state)
{
        Pair *p = *state;
        Failure warning = {}, failure = {};
        char text[256] = "";
        int pipe_fds[2], saved;

        (void) failure_set(&warning, -EISDIR, "Failed to write '/etc/x': %m");
        assert_int_equal(sync_send_warning(p->here, &warning), 0);
        assert_int_equal(sync_send(p->here, SYNC_PREPARED), 0);

        assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
        saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
        assert_true(saved >= 0 && dup2(pipe_fds[1], STDERR_FILENO) >= 0);
        assert_int_equal(sync_wait(p->there, SYNC_PREPARED, NULL, 0, &failure), 0);
        assert_true(dup2(saved, STDERR_FILENO) >= 0);
        fd_close(saved);
        fd_close(pipe_fds[1]);
        assert_true(read(pipe_fds[0], text, sizeof(text) - 1) > 0);
        fd_close(pipe_fds[0]);

        assert_int_equal(failure.error, 0);
        assert_non_null(strstr(text, "Failed to write '/etc/x': Is a directory, ignoring"));
}

/* More than go into one message, with gaps, at the ends as well. */
static void test_sync_mounts_keep_their_places(void **state)
{
        enum { N = 150 };
        Pair *p = *state;
        MountWork sent[N], got[N];

        make_mounts(sent, N);
        for (size_t i = 0; i < N; i += 7)
                sent[i].fd = fd_close(sent[i].fd);
        sent[N - 1].fd = fd_close(sent[N - 1].fd);
        clear_mounts(got, N);

        assert_int_equal(sync_send_mounts(p->here, SYNC_SET_UP, sent, N), 0);
        assert_int_equal(sync_wait(p->there, SYNC_SET_UP, got, N, NULL), 0);

        for (size_t i = 0; i < N; i++) {
                assert_int_equal(got[i].fd >= 0, sent[i].fd >= 0);
                if (got[i].fd < 0)
                        continue;
                assert_int_equal(inode(got[i].fd), inode(sent[i].fd));
                assert_int_equal(fcntl(got[i].fd, F_GETFD), FD_CLOEXEC);
        }
        mount_work_close(sent, N);
        mount_work_close(got, N);
}

static void test_sync_exactly_full_messages(void **state)
{
        enum { N = 128 };
        Pair *p = *state;
        MountWork sent[N], got[N];

        make_mounts(sent, N);
        clear_mounts(got, N);
        assert_int_equal(sync_send_mounts(p->here, SYNC_SET_UP, sent, N), 0);
        assert_int_equal(sync_wait(p->there, SYNC_SET_UP, got, N, NULL), 0);
        for (size_t i = 0; i < N; i++)
                assert_int_equal(inode(got[i].fd), inode(sent[i].fd));
        mount_work_close(sent, N);
        mount_work_close(got, N);
}

static void test_sync_no_mounts_is_one_message(void **state)
{
        Pair *p = *state;
        MountWork none[] = { { .fd = -EBADF }, { .fd = -EBADF } }, got[] = { { .fd = -EBADF }, { .fd = -EBADF } };
        char byte;

        assert_int_equal(sync_send_mounts(p->here, SYNC_PREPARED, none, ARRAY_SIZE(none)), 0);
        assert_int_equal(sync_wait(p->there, SYNC_PREPARED, got, ARRAY_SIZE(got), NULL), 0);
        assert_int_equal(got[0].fd, -EBADF);
        assert_int_equal(sync_send_mounts(p->here, SYNC_PREPARED, none, 0), 0);
        assert_int_equal(sync_wait(p->there, SYNC_PREPARED, NULL, 0, NULL), 0);
        assert_int_equal(recv(p->there, &byte, 1, MSG_DONTWAIT), -1);
        assert_int_equal(errno, EAGAIN);
}

/* Nobody wants them, or their place is taken or does not exist: none may stay open. */
static void test_sync_unwanted_mounts_are_closed(void **state)
{
        enum { N = 5 };
        Pair *p = *state;
        MountWork sent[N], got[N];
        int kept;
        unsigned before;

        make_mounts(sent, N);
        before = open_fds();

        assert_int_equal(sync_send_mounts(p->here, SYNC_SET_UP, sent, N), 0);
        assert_int_equal(sync_wait(p->there, SYNC_SET_UP, NULL, 0, NULL), 0);
        assert_int_equal(open_fds(), before);

        clear_mounts(got, N);
        got[0].fd = kept = sent[1].fd;
        assert_int_equal(sync_send_mounts(p->here, SYNC_SET_UP, sent, N), 0);
        assert_int_equal(sync_wait(p->there, SYNC_SET_UP, got, 2, NULL), 0);
        assert_int_equal(got[0].fd, kept);
        assert_int_equal(inode(got[1].fd), inode(sent[1].fd));
        assert_int_equal(open_fds(), before + 1);

        fd_close(got[1].fd);
        mount_work_close(sent, N);
}

static void test_sync_failure_comes_whole(void **state)
{
        Pair *p = *state;
        Failure sent = {}, got = {};

        failure_set(&sent, -ENOENT, "Failed to find '%s': %m", "/etc/x");
        assert_int_equal(sync_send_failure(p->there, &sent), 0);
        assert_int_equal(sync_wait(p->here, SYNC_PREPARED, NULL, 0, &got), -ENOENT);
        assert_int_equal(got.error, -ENOENT);
        assert_string_equal(got.text, "Failed to find '/etc/x': No such file or directory");
}

static void test_sync_failure_without_an_end(void **state)
{
        Pair *p = *state;
        Failure sent = { .error = -EIO }, got = {};

        memset(sent.text, 'x', sizeof(sent.text));
        assert_int_equal(sync_send_failure(p->there, &sent), 0);
        assert_int_equal(sync_wait(p->here, SYNC_PREPARED, NULL, 0, &got), -EIO);
        assert_int_equal(strlen(got.text), sizeof(got.text) - 1);
}

/* Messages sent before the end are received. */
static void test_sync_failure_then_end(void **state)
{
        Pair *p = *state;
        Failure sent = { .error = -EIO, .text = "the reason" }, got = {};

        assert_int_equal(sync_send_failure(p->there, &sent), 0);
        p->there = fd_close(p->there);
        assert_int_equal(sync_wait(p->here, SYNC_PREPARED, NULL, 0, &got), -EIO);
        assert_string_equal(got.text, "the reason");
        assert_int_equal(sync_wait(p->here, SYNC_PREPARED, NULL, 0, NULL), -EPIPE);
}

static void test_sync_end(void **state)
{
        Pair *p = *state;

        assert_false(sync_is_closed(p->here));
        p->there = fd_close(p->there);
        assert_true(sync_is_closed(p->here));
        sync_wait_closed(p->here);
        assert_int_equal(sync_wait(p->here, SYNC_PREPARED, NULL, 0, NULL), -EPIPE);
        /* and no SIGPIPE, which would end this test */
        assert_int_equal(sync_send(p->here, SYNC_SET_UP), -EPIPE);
}

/* With a message that was never read: the end all the same. */
static void test_sync_end_with_unread_messages(void **state)
{
        Pair *p = *state;

        assert_int_equal(sync_send(p->here, SYNC_SET_UP), 0);
        p->there = fd_close(p->there);
        assert_true(sync_is_closed(p->here));
        assert_int_equal(sync_wait(p->here, SYNC_PREPARED, NULL, 0, NULL), -EPIPE);
}

static void test_sync_message_is_not_the_end(void **state)
{
        Pair *p = *state;

        assert_int_equal(sync_send(p->there, SYNC_PREPARED), 0);
        assert_false(sync_is_closed(p->here));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_sync_kinds_in_order, setup, teardown),
                cmocka_unit_test_setup_teardown(test_sync_out_of_order, setup, teardown),
                cmocka_unit_test_setup_teardown(test_sync_foreign_message, setup, teardown),
                cmocka_unit_test_setup_teardown(test_sync_warning, setup, teardown),
                cmocka_unit_test_setup_teardown(test_sync_mounts_keep_their_places, setup, teardown),
                cmocka_unit_test_setup_teardown(test_sync_exactly_full_messages, setup, teardown),
                cmocka_unit_test_setup_teardown(test_sync_no_mounts_is_one_message, setup, teardown),
                cmocka_unit_test_setup_teardown(test_sync_unwanted_mounts_are_closed, setup, teardown),
                cmocka_unit_test_setup_teardown(test_sync_failure_comes_whole, setup, teardown),
                cmocka_unit_test_setup_teardown(test_sync_failure_without_an_end, setup, teardown),
                cmocka_unit_test_setup_teardown(test_sync_failure_then_end, setup, teardown),
                cmocka_unit_test_setup_teardown(test_sync_end, setup, teardown),
                cmocka_unit_test_setup_teardown(test_sync_end_with_unread_messages, setup, teardown),
                cmocka_unit_test_setup_teardown(test_sync_message_is_not_the_end, setup, teardown),
        };

        return cmocka_run_group_tests_name("sync", tests, NULL, NULL);
}
