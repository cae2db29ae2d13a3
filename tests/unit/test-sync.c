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
        assert_int_equal(sync_wait(p->there, SYNC_SET_UP, NULL, NULL), 0);
        assert_int_equal(sync_wait(p->there, SYNC_EXECUTE, NULL, NULL), 0);

        assert_int_equal(sync_send(p->there, SYNC_PREPARED), 0);
        assert_int_equal(sync_wait(p->here, SYNC_PREPARED, NULL, NULL), 0);
}

static void test_sync_out_of_order(void **state)
{
        Pair *p = *state;

        assert_int_equal(sync_send(p->here, SYNC_EXECUTE), 0);
        assert_int_equal(sync_wait(p->there, SYNC_SET_UP, NULL, NULL), -EBADMSG);
}

static void test_sync_foreign_message(void **state)
{
        Pair *p = *state;

        assert_int_equal(send(p->here, "short", 5, 0), 5);
        assert_int_equal(sync_wait(p->there, SYNC_SET_UP, NULL, NULL), -EBADMSG);
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
        assert_int_equal(sync_wait(p->there, SYNC_PREPARED, NULL, &failure), 0);
        assert_true(dup2(saved, STDERR_FILENO) >= 0);
        fd_close(saved);
        fd_close(pipe_fds[1]);
        assert_true(read(pipe_fds[0], text, sizeof(text) - 1) > 0);
        fd_close(pipe_fds[0]);

        assert_int_equal(failure.error, 0);
        assert_non_null(strstr(text, "Failed to write '/etc/x': Is a directory, ignoring"));
}

/* Pipes, since each has an inode of its own that tells it from the others. */
static int new_pipe(void)
{
        int ends[2];

        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        fd_close(ends[1]);
        return ends[0];
}

static void test_sync_descriptor(void **state)
{
        Pair *p = *state;
        _cleanup_close_ int sent = new_pipe(), got = -EBADF;

        assert_int_equal(sync_send_fd(p->here, SYNC_SET_UP, sent), 0);
        assert_int_equal(sync_wait(p->there, SYNC_SET_UP, &got, NULL), 0);
        assert_int_not_equal(got, sent);
        assert_int_equal(inode(got), inode(sent));
        assert_int_equal(fcntl(got, F_GETFD), FD_CLOEXEC);
}

static void test_sync_no_descriptor(void **state)
{
        Pair *p = *state;
        int got = 1;

        assert_int_equal(sync_send(p->here, SYNC_SET_UP), 0);
        assert_int_equal(sync_wait(p->there, SYNC_SET_UP, &got, NULL), 0);
        assert_int_equal(got, -EBADF);
}

/* Nobody wants it, or it came with another message: it does not stay open. */
static void test_sync_unwanted_descriptor_is_closed(void **state)
{
        Pair *p = *state;
        _cleanup_close_ int sent = new_pipe();
        unsigned before = open_fds();
        int got = -EBADF;

        assert_int_equal(sync_send_fd(p->here, SYNC_SET_UP, sent), 0);
        assert_int_equal(sync_wait(p->there, SYNC_SET_UP, NULL, NULL), 0);
        assert_int_equal(open_fds(), before);

        assert_int_equal(sync_send_fd(p->here, SYNC_EXECUTE, sent), 0);
        assert_int_equal(sync_wait(p->there, SYNC_SET_UP, &got, NULL), -EBADMSG);
        assert_int_equal(got, -EBADF);
        assert_int_equal(open_fds(), before);
}

/* There is room for one: of several, none is taken. */
static void test_sync_several_descriptors(void **state)
{
        Pair *p = *state;
        const int sent[2] = { p->here, p->there };
        union {
                struct cmsghdr header;
                char buf[CMSG_SPACE(sizeof(sent))];
        } control = { .header = { .cmsg_len = CMSG_LEN(sizeof(sent)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS } };
        struct iovec iov = { (char[]) { 0 }, 1 };
        const struct msghdr mh = {
                .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control),
        };
        unsigned before = open_fds();
        int got = -EBADF;

        memcpy(CMSG_DATA(&control.header), sent, sizeof(sent));
        assert_int_equal(sendmsg(p->here, &mh, 0), 1);
        assert_int_equal(sync_wait(p->there, SYNC_SET_UP, &got, NULL), -EBADMSG);
        assert_int_equal(got, -EBADF);
        assert_int_equal(open_fds(), before);
}

static void test_sync_failure_comes_whole(void **state)
{
        Pair *p = *state;
        Failure sent = {}, got = {};

        failure_set(&sent, -ENOENT, "Failed to find '%s': %m", "/etc/x");
        assert_int_equal(sync_send_failure(p->there, &sent), 0);
        assert_int_equal(sync_wait(p->here, SYNC_PREPARED, NULL, &got), -ENOENT);
        assert_int_equal(got.error, -ENOENT);
        assert_string_equal(got.text, "Failed to find '/etc/x': No such file or directory");
}

static void test_sync_failure_without_an_end(void **state)
{
        Pair *p = *state;
        Failure sent = { .error = -EIO }, got = {};

        memset(sent.text, 'x', sizeof(sent.text));
        assert_int_equal(sync_send_failure(p->there, &sent), 0);
        assert_int_equal(sync_wait(p->here, SYNC_PREPARED, NULL, &got), -EIO);
        assert_int_equal(strlen(got.text), sizeof(got.text) - 1);
}

/* Messages sent before the end are received. */
static void test_sync_failure_then_end(void **state)
{
        Pair *p = *state;
        Failure sent = { .error = -EIO, .text = "the reason" }, got = {};

        assert_int_equal(sync_send_failure(p->there, &sent), 0);
        p->there = fd_close(p->there);
        assert_int_equal(sync_wait(p->here, SYNC_PREPARED, NULL, &got), -EIO);
        assert_string_equal(got.text, "the reason");
        assert_int_equal(sync_wait(p->here, SYNC_PREPARED, NULL, NULL), -EPIPE);
}

static void test_sync_end(void **state)
{
        Pair *p = *state;

        assert_false(sync_is_closed(p->here));
        p->there = fd_close(p->there);
        assert_true(sync_is_closed(p->here));
        sync_wait_closed(p->here);
        assert_int_equal(sync_wait(p->here, SYNC_PREPARED, NULL, NULL), -EPIPE);
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
        assert_int_equal(sync_wait(p->here, SYNC_PREPARED, NULL, NULL), -EPIPE);
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
                cmocka_unit_test_setup_teardown(test_sync_descriptor, setup, teardown),
                cmocka_unit_test_setup_teardown(test_sync_no_descriptor, setup, teardown),
                cmocka_unit_test_setup_teardown(test_sync_unwanted_descriptor_is_closed, setup, teardown),
                cmocka_unit_test_setup_teardown(test_sync_several_descriptors, setup, teardown),
                cmocka_unit_test_setup_teardown(test_sync_failure_comes_whole, setup, teardown),
                cmocka_unit_test_setup_teardown(test_sync_failure_without_an_end, setup, teardown),
                cmocka_unit_test_setup_teardown(test_sync_failure_then_end, setup, teardown),
                cmocka_unit_test_setup_teardown(test_sync_end, setup, teardown),
                cmocka_unit_test_setup_teardown(test_sync_end_with_unread_messages, setup, teardown),
                cmocka_unit_test_setup_teardown(test_sync_message_is_not_the_end, setup, teardown),
        };

        return cmocka_run_group_tests_name("sync", tests, NULL, NULL);
}
