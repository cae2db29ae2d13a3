/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "test.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "payload/notify.h"
#include "util/fd.h"

static void parse(const char *text, size_t size, NotifyMessage *ret)
{
        assert_int_equal(notify_parse(text, size, ret), 0);
}
#define PARSE(text, ret) parse(text, sizeof(text) - 1, ret)

static void test_notify_parse_fields(void **state)
{
        NotifyMessage m;

        PARSE("READY=1\nSTATUS=Startup finished.\nX_SYSTEMD_UNIT_ACTIVE=multi-user.target\nEXIT_STATUS=7\n", &m);
        assert_true(m.ready);
        assert_string_equal(m.status, "Startup finished.");
        notify_message_done(&m);
        assert_null(m.status);

        PARSE("STOPPING=1\nRELOADING=1\nX_SYSTEMD_SHUTDOWN=poweroff", &m);
        assert_true(!m.ready && !m.status);
}

static void test_notify_parse_ignores_partial_matches(void **state)
{
        static const char *const texts[] = {
                "", "\n\n\n", "READY=", "READY=11", " READY=1", "READY=1 ", "ready=1", "XREADY=1", "READY=1\r",
                "STATUS", "STATU=x", "EXIT_STATUS=7", "STOPPING=1",
        };
        NotifyMessage m;

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                parse(texts[i], strlen(texts[i]), &m);
                if (m.ready || m.status)
                        fail_msg("'%s' was taken for READY=1 or STATUS=", texts[i]);
        }

        PARSE("READY=1\0", &m);
        assert_false(m.ready);
        PARSE("\0READY=1\nSTATUS=x\n\0", &m);
        assert_false(m.ready);
        assert_string_equal(m.status, "x");
        notify_message_done(&m);
}

static void test_notify_parse_status_is_text(void **state)
{
        char text[600] = "STATUS=";
        NotifyMessage m;

        PARSE("STATUS=a\033[2J", &m);
        assert_null(m.status);
        PARSE("STATUS=a\0b", &m);
        assert_null(m.status);
        PARSE("STATUS=\xff\xfe", &m);
        assert_null(m.status);
        PARSE("STATUS=first\nSTATUS=\xc3\xa4 second", &m);
        assert_string_equal(m.status, "\xc3\xa4 second");
        notify_message_done(&m);

        /* 1 + 2n bytes: the limit is within a character, which is dropped. */
        text[7] = 'x';
        for (size_t i = 8; i + 2 < sizeof(text); i += 2)
                memcpy(text + i, "\xc3\xa4", 2);
        parse(text, strlen(text), &m);
        assert_int_equal(strlen(m.status), 255);
        assert_memory_equal(m.status + 253, "\xc3\xa4", 2);
        notify_message_done(&m);
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

static void send_with_fds(int fd, const char *text, size_t size, unsigned n_fds)
{
        union {
                struct cmsghdr header;
                char bytes[CMSG_SPACE(253 * sizeof(int))];
        } control = {};
        struct iovec piece = { (void *) text, size };
        struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1 };

        if (n_fds > 0) {
                int fds[253];

                for (unsigned i = 0; i < n_fds; i++)
                        fds[i] = STDERR_FILENO;
                control.header.cmsg_level = SOL_SOCKET;
                control.header.cmsg_type = SCM_RIGHTS;
                control.header.cmsg_len = CMSG_LEN(n_fds * sizeof(int));
                memcpy(CMSG_DATA(&control.header), fds, n_fds * sizeof(int));
                message.msg_control = &control;
                message.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
        }
        assert_int_equal(sendmsg(fd, &message, 0), size);
}

typedef struct Sockets {
        char dir[40];
        int dir_fd, receiver, sender;
} Sockets;

static int setup(void **state)
{
        static Sockets s;
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        Failure f = {};

        memcpy(s.dir, "/tmp/test-notify-XXXXXX", sizeof("/tmp/test-notify-XXXXXX"));
        assert_non_null(mkdtemp(s.dir));
        s.dir_fd = open(s.dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
        s.receiver = notify_socket_open(s.dir_fd, "notify", getuid(), getgid(), &f);
        assert_true(s.receiver >= 0);

        s.sender = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        (void) snprintf(address.sun_path, sizeof(address.sun_path), "%s/notify", s.dir);
        assert_int_equal(connect(s.sender, (struct sockaddr *) &address, sizeof(address)), 0);
        *state = &s;
        return 0;
}

static int teardown(void **state)
{
        Sockets *s = *state;

        unlinkat(s->dir_fd, "notify", 0);
        rmdir(s->dir);
        close(s->dir_fd);
        close(s->receiver);
        close(s->sender);
        return 0;
}

static void test_notify_socket_open(void **state)
{
        Sockets *s = *state;
        Failure f = {};
        struct stat st;

        assert_int_equal(fstatat(s->dir_fd, "notify", &st, AT_SYMLINK_NOFOLLOW), 0);
        assert_true(S_ISSOCK(st.st_mode));
        assert_int_equal(st.st_mode & 07777, 0200);
        assert_int_equal(fcntl(s->receiver, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
        assert_true(notify_socket_open(s->dir_fd, "notify", getuid(), getgid(), &f) < 0);
        assert_non_null(strstr(f.text, "notify"));
}

static void test_notify_receive_from_leader(void **state)
{
        Sockets *s = *state;
        NotifyMessage m;
        bool empty = false;

        assert_int_equal(notify_receive(s->receiver, getpid(), &m, &empty), 0);
        assert_true(empty);

        send_with_fds(s->sender, "READY=1", 7, 0);
        assert_int_equal(notify_receive(s->receiver, getpid(), &m, &empty), 1);
        assert_false(empty);
        assert_true(m.ready);
}

static void test_notify_receive_drops_other_senders(void **state)
{
        Sockets *s = *state;
        NotifyMessage m;
        bool empty = true;
        pid_t pid;

        send_with_fds(s->sender, "READY=1", 7, 0);
        assert_int_equal(notify_receive(s->receiver, getpid() + 1, &m, &empty), 0);
        assert_false(empty);

        /* A child of the leader with its socket is another sender. */
        pid = fork();
        if (pid == 0)
                _exit(write(s->sender, "READY=1", 7) == 7 ? 0 : 1);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        empty = true;
        assert_int_equal(notify_receive(s->receiver, getpid(), &m, &empty), 0);
        assert_false(empty);
        assert_int_equal(notify_receive(s->receiver, getpid(), &m, &empty), 0);
        assert_true(empty);
}

static void test_notify_receive_closes_descriptors(void **state)
{
        Sockets *s = *state;
        unsigned before = open_fds();
        NotifyMessage m;
        bool empty;

        send_with_fds(s->sender, "READY=1", 7, 253);
        assert_int_equal(notify_receive(s->receiver, getpid(), &m, &empty), 1);
        assert_true(m.ready);
        assert_int_equal(open_fds(), before);

        send_with_fds(s->sender, "READY=1", 7, 3);
        assert_int_equal(notify_receive(s->receiver, 1, &m, &empty), 0);
        assert_int_equal(open_fds(), before);
}

static void test_notify_receive_drops_long_messages(void **state)
{
        Sockets *s = *state;
        unsigned before = open_fds();
        static char text[5000] = "READY=1\nX=";
        NotifyMessage m;
        bool empty = true;

        memset(text + 10, 'x', sizeof(text) - 10);
        send_with_fds(s->sender, text, sizeof(text), 5);
        assert_int_equal(notify_receive(s->receiver, getpid(), &m, &empty), 0);
        assert_false(empty);
        assert_int_equal(open_fds(), before);

        send_with_fds(s->sender, text, 4096, 0);
        assert_int_equal(notify_receive(s->receiver, getpid(), &m, &empty), 1);
        assert_true(m.ready);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_notify_parse_fields),
                cmocka_unit_test(test_notify_parse_ignores_partial_matches),
                cmocka_unit_test(test_notify_parse_status_is_text),
                cmocka_unit_test_setup_teardown(test_notify_socket_open, setup, teardown),
                cmocka_unit_test_setup_teardown(test_notify_receive_from_leader, setup, teardown),
                cmocka_unit_test_setup_teardown(test_notify_receive_drops_other_senders, setup, teardown),
                cmocka_unit_test_setup_teardown(test_notify_receive_closes_descriptors, setup, teardown),
                cmocka_unit_test_setup_teardown(test_notify_receive_drops_long_messages, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
