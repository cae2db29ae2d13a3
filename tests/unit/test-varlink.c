/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "test.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/client.h"
#include "control/server.h"
#include "util/clock.h"
#include "util/fd.h"
#include "util/print.h"
#include "util/strv.h"

enum { LOOPS = 300, LARGE = 1000 };

typedef struct Fixture {
        sd_event *event;
        ControlServer *server;
        char dir[64], path[80];
        int listen_fd;
        unsigned n_freed;
        int upgraded_fd, other_fd;
        char *early;
} Fixture;

static Fixture fixture;

/* ---- methods ---------------------------------------------------------------------------------------------------- */

static int echo(ControlCall *c, const JsonNode *parameters, void *userdata, Failure *failure)
{
        const JsonNode *number = json_member(parameters, "number");
        Json *j;

        assert_ptr_equal(userdata, &fixture);
        assert_int_equal(control_reply_begin(&j, failure), 0);
        json_put_string(j, "text", json_member_string(parameters, "text"));
        if (number)
                json_put_number(j, "number", number->integer);
        json_put_number(j, "uid", control_call_uid(c));
        control_reply_send(c, j);
        return 0;
}

static int always_fails(ControlCall *c, const JsonNode *parameters, void *userdata, Failure *failure)
{
        return failure_set(failure, -ENOSPC, "The disk is full, '%s'", json_member_string(parameters, "text"));
}

static void count_freed(void *data)
{
        fixture.n_freed++;
        free(data);
}

static int watch(ControlCall *c, const JsonNode *parameters, void *userdata, Failure *failure)
{
        control_call_set_data(c, strdup("watching"), count_freed);
        return 0;
}

static void on_upgraded(int fd, const char *early, size_t n_early, void *userdata)
{
        fixture.upgraded_fd = fd;
        fixture.early = strndup(early ?: "", n_early);
}

static int stream(ControlCall *c, const JsonNode *parameters, void *userdata, Failure *failure)
{
        control_reply_upgrade(c, on_upgraded, NULL);
        return 0;
}

static int take(ControlCall *c, const JsonNode *parameters, void *userdata, Failure *failure)
{
        int fd = control_call_take_fd(c, json_member(parameters, "index")->integer);

        if (fd < 0)
                return fd;
        assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        fixture.other_fd = fd;
        control_reply(c);
        return 0;
}

static const ControlMethod methods[] = {
        { "a.b.Echo", echo, CONTROL_ANY_USER, {
                { "text", JSON_NODE_STRING, false }, { "number", JSON_NODE_NUMBER, true }, { "list", JSON_NODE_ARRAY, true },
                { "flag", JSON_NODE_BOOL, true }, { "object", JSON_NODE_OBJECT, true } } },
        { "a.b.Fail", always_fails, 0, { { "text", JSON_NODE_STRING, false } } },
        { "a.b.Watch", watch, CONTROL_ANY_USER | CONTROL_MORE, {} },
        { "a.b.Stream", stream, CONTROL_UPGRADE, {} },
        { "a.b.Take", take, 0, { { "index", JSON_NODE_NUMBER, false } } },
};
static const ControlInterface interfaces[] = { { "a.b", "interface a.b\n" } };
static const ControlService service = {
        methods, ARRAY_SIZE(methods), interfaces, ARRAY_SIZE(interfaces), &fixture,
};

/* ---- the fixture ------------------------------------------------------------------------------------------------ */

static int setup(void **state)
{
        Failure f = {};

        fixture = (Fixture) { .upgraded_fd = -EBADF, .other_fd = -EBADF };
        (void) snprintf(fixture.dir, sizeof(fixture.dir), "/tmp/test-varlink-XXXXXX");
        assert_non_null(mkdtemp(fixture.dir));
        (void) snprintf(fixture.path, sizeof(fixture.path), "%s/control", fixture.dir);
        fixture.listen_fd = control_listen(fixture.path, &f);
        assert_true(fixture.listen_fd >= 0);
        assert_true(sd_event_new(&fixture.event) >= 0);
        assert_int_equal(control_server_new(fixture.event, fixture.listen_fd, &service, &fixture.server), 0);
        return 0;
}

static int teardown(void **state)
{
        (void) control_server_free(fixture.server);
        sd_event_unref(fixture.event);
        fd_close(fixture.listen_fd);
        fd_close(fixture.upgraded_fd);
        fd_close(fixture.other_fd);
        free(fixture.early);
        unlink(fixture.path);
        return rmdir(fixture.dir);
}

static void run_loop(uint64_t usec)
{
        for (unsigned i = 0; i < LOOPS && sd_event_run(fixture.event, usec) > 0; i++)
                ;
}

/* A connection of a user: the peer's end. */
static int connect_as(uid_t uid)
{
        int pair[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
        if (control_server_add(fixture.server, pair[0], uid, 4711) >= 0)
                return pair[1];
        close(pair[1]);
        return -EBUSY;
}

/* What comes back for bytes, with the NULs as line ends; "closed" at the end if the server has closed the connection. */
static char *answer_to(int fd, const char *bytes, size_t size)
{
        static char text[256 * 1024];
        size_t n = 0;
        ssize_t r;

        if (size > 0)
                assert_int_equal(send(fd, bytes, size, MSG_NOSIGNAL), size);
        run_loop(0);
        while ((r = recv(fd, text + n, sizeof(text) - n - 8, 0)) > 0) {
                n += (size_t) r;
                run_loop(0);
        }
        for (size_t i = 0; i < n; i++)
                if (text[i] == 0)
                        text[i] = '\n';
        strcpy(text + n, r == 0 || errno == ECONNRESET ? "closed" : "");
        return text;
}

#define ANSWER(fd, text) answer_to(fd, text, sizeof(text))

/* ---- tests ------------------------------------------------------------------------------------------------------ */

static void test_varlink_calls_and_answers(void **state)
{
        static const struct {
                const char *call, *answer;
                uid_t uid;
        } cases[] = {
                { "{\"method\":\"a.b.Echo\",\"parameters\":{\"text\":\"x\",\"number\":7}}",
                  "{\"parameters\":{\"text\":\"x\",\"number\":7,\"uid\":0}}\n", 0 },
                { "{\"method\":\"a.b.Echo\",\"parameters\":{\"text\":\"x\",\"number\":null,\"list\":[\"a\"],\"flag\":true,"
                  "\"object\":{\"k\":[1]}}}", "{\"parameters\":{\"text\":\"x\",\"number\":0,\"uid\":1000}}\n", 1000 },
                { "{\"method\":\"a.b.Echo\",\"parameters\":{\"text\":1}}",
                  "{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{\"parameter\":\"text\"}}\n", 0 },
                { "{\"method\":\"a.b.Echo\",\"parameters\":{\"text\":null}}",
                  "{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{\"parameter\":\"text\"}}\n", 0 },
                { "{\"method\":\"a.b.Echo\"}",
                  "{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{\"parameter\":\"text\"}}\n", 0 },
                { "{\"method\":\"a.b.Echo\",\"parameters\":null}",
                  "{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{\"parameter\":\"text\"}}\n", 0 },
                { "{\"method\":\"a.b.Echo\",\"parameters\":{\"text\":\"\",\"number\":1.5}}",
                  "{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{\"parameter\":\"number\"}}\n", 0 },
                { "{\"method\":\"a.b.Echo\",\"parameters\":{\"text\":\"\",\"list\":[\"a\",1]}}",
                  "{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{\"parameter\":\"list\"}}\n", 0 },
                { "{\"method\":\"a.b.Echo\",\"parameters\":{\"text\":\"\",\"other\":1}}",
                  "{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{\"parameter\":\"other\"}}\n", 0 },
                { "{\"method\":\"a.b.Fail\",\"parameters\":{\"text\":\"really\"}}",
                  "{\"error\":\"io.systemd.System\",\"parameters\":{\"origin\":\"linux\",\"errno\":28,\"errnoName\":\"ENOSPC\","
                  "\"message\":\"The disk is full, 'really'\"}}\n", 0 },
                { "{\"method\":\"a.b.Fail\",\"parameters\":{\"text\":\"really\"}}",
                  "{\"error\":\"org.varlink.service.PermissionDenied\",\"parameters\":{}}\n", 1000 },
                /* Who may not call it is not told what it takes. */
                { "{\"method\":\"a.b.Fail\"}", "{\"error\":\"org.varlink.service.PermissionDenied\",\"parameters\":{}}\n", 1 },
                { "{\"method\":\"a.b.Watch\"}", "{\"error\":\"org.varlink.service.ExpectedMore\",\"parameters\":{}}\n", 0 },
                { "{\"method\":\"a.b.Stream\"}", "{\"error\":\"io.box.Machine.ExpectedUpgrade\",\"parameters\":{}}\n", 0 },
                { "{\"method\":\"a.b.No\"}",
                  "{\"error\":\"org.varlink.service.MethodNotFound\",\"parameters\":{\"method\":\"a.b.No\"}}\n", 0 },
                { "{\"method\":\"a.b.Echo\",\"oneway\":true,\"parameters\":{\"text\":\"x\"}}", "", 0 },
                { "{\"method\":\"a.b.Fail\",\"oneway\":true,\"parameters\":{\"text\":\"x\"}}", "", 0 },
                { "{\"method\":\"a.b.No\",\"oneway\":true}", "", 0 },
                { "{\"method\":\"org.varlink.service.GetInterfaceDescription\",\"parameters\":{\"interface\":\"a.b\"}}",
                  "{\"parameters\":{\"description\":\"interface a.b\\n\"}}\n", 1000 },
                { "{\"method\":\"org.varlink.service.GetInterfaceDescription\",\"parameters\":{\"interface\":\"x\"}}",
                  "{\"error\":\"org.varlink.service.InterfaceNotFound\",\"parameters\":{\"interface\":\"x\"}}\n", 0 },
                /* No calls. */
                { "", "closed", 0 },
                { "[]", "closed", 0 },
                { "{", "closed", 0 },
                { "{}", "closed", 0 },
                { "\xff\xfe", "closed", 0 },
                { "{\"method\":1}", "closed", 0 },
                { "{\"method\":\"a.b.Echo\",\"parameters\":[]}", "closed", 0 },
                { "{\"method\":\"a.b.Echo\",\"method\":\"a.b.Echo\"}", "closed", 0 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                int fd = connect_as(cases[i].uid);

                assert_string_equal(answer_to(fd, cases[i].call, strlen(cases[i].call) + 1), cases[i].answer);
                close(fd);
                run_loop(0);
        }
}

static void test_varlink_info(void **state)
{
        int fd = connect_as(1000);
        const char *info = ANSWER(fd, "{\"method\":\"org.varlink.service.GetInfo\",\"parameters\":{}}");

        assert_non_null(strstr(info, "\"interfaces\":[\"org.varlink.service\",\"a.b\"]"));
        assert_non_null(strstr(info, "\"vendor\":\"box\""));
        assert_non_null(strstr(ANSWER(fd, "{\"method\":\"org.varlink.service.GetInterfaceDescription\",\"parameters\":"
                                          "{\"interface\":\"org.varlink.service\"}}"), "method GetInfo() -> ("));
        close(fd);
}

/* Calls one after the other, in pieces of any size. */
static void test_varlink_framing(void **state)
{
        static const char two[] = "{\"method\":\"a.b.Echo\",\"parameters\":{\"text\":\"1\"}}\0"
                                  "{\"method\":\"a.b.Echo\",\"parameters\":{\"text\":\"2\"}}";
        static const char both[] = "{\"parameters\":{\"text\":\"1\",\"uid\":0}}\n{\"parameters\":{\"text\":\"2\",\"uid\":0}}\n";
        int fd = connect_as(0);

        assert_string_equal(ANSWER(fd, two), both);
        for (size_t at = 1; at < sizeof(two); at += 7) {
                char first[256];

                (void) snprintf(first, sizeof(first), "%s", answer_to(fd, two, at));
                assert_string_equal(strcat(first, answer_to(fd, two + at, sizeof(two) - at)), both);
        }
        close(fd);
}

static void test_varlink_sizes(void **state)
{
        enum { SIZE = CONTROL_MESSAGE_MAX };
        static char text[SIZE + 2];
        int fd = connect_as(0);

        /* As large as it may be. */
        memset(text, ' ', sizeof(text));
        memcpy(text, "{\"method\":\"a.b.Echo\",\"parameters\":{\"text\":\"x\"}}", 47);
        text[SIZE] = 0;
        assert_string_equal(answer_to(fd, text, SIZE + 1), "{\"parameters\":{\"text\":\"x\",\"uid\":0}}\n");
        /* Larger, with and without an end. */
        text[SIZE] = ' ';
        text[SIZE + 1] = 0;
        assert_string_equal(answer_to(fd, text, SIZE + 2), "closed");
        close(fd);
        fd = connect_as(0);
        memset(text, '[', sizeof(text));
        assert_string_equal(answer_to(fd, text, SIZE + 1), "closed");
        close(fd);

        /* Too many values, too deep. */
        for (unsigned i = 0; i < 2; i++) {
                fd = connect_as(0);
                memset(text, i == 0 ? '[' : ' ', sizeof(text));
                for (size_t k = 0; i == 1 && k < 2 * CONTROL_VALUES_MAX + 200; k += 2)
                        memcpy(text + 60 + k, "1,", 2);
                memcpy(text, "{\"method\":\"a.b.Echo\",\"parameters\":{\"text\":[          ", 53);
                memcpy(text + SIZE - 16, i == 0 ? "]" : "1]}}", i == 0 ? 1 : 4);
                text[SIZE] = 0;
                assert_string_equal(answer_to(fd, text, SIZE + 1), "closed");
                close(fd);
        }
}

static void answer_watch(ControlCall *c, void *userdata)
{
        unsigned *n = userdata;
        Json *j;

        assert_string_equal(control_call_data(c), "watching");
        assert_int_equal(control_reply_begin(&j, NULL), 0);
        json_put_number(j, "n", *n);
        if (*n == LARGE)
                json_put_format(j, "text", "%4000s", "x");
        if (*n > 0)
                control_reply_send_more(c, j);
        else
                control_reply_send(c, j);
}

static void test_varlink_more(void **state)
{
        int fd = connect_as(1000), other = connect_as(0);
        unsigned n = 2;

        assert_string_equal(ANSWER(fd, "{\"method\":\"a.b.Watch\",\"more\":true}"), "");
        assert_string_equal(ANSWER(other, "{\"method\":\"a.b.Watch\",\"more\":true}"), "");
        control_server_each_call(fixture.server, watch, answer_watch, &n);
        assert_string_equal(answer_to(fd, "", 0), "{\"parameters\":{\"n\":2},\"continues\":true}\n");
        /* Meanwhile other calls of the connection wait. */
        assert_string_equal(ANSWER(fd, "{\"method\":\"a.b.Echo\",\"parameters\":{\"text\":\"x\"}}"), "");
        /* A client that goes away is forgotten, with what belongs to its call. */
        close(other);
        run_loop(0);
        assert_int_equal(fixture.n_freed, 1);
        n = 0;
        control_server_each_call(fixture.server, watch, answer_watch, &n);
        assert_int_equal(fixture.n_freed, 2);
        assert_string_equal(answer_to(fd, "", 0), "{\"parameters\":{\"n\":0}}\n{\"parameters\":{\"text\":\"x\",\"uid\":1000}}\n");
        close(fd);
}

/* It holds neither the others up nor memory for ever. */
static void test_varlink_client_that_does_not_read(void **state)
{
        int fd = connect_as(0);
        unsigned n = LARGE, sent = 0;

        assert_string_equal(ANSWER(fd, "{\"method\":\"a.b.Watch\",\"more\":true}"), "");
        for (; fixture.n_freed == 0 && sent < 1000; sent++) {
                control_server_each_call(fixture.server, watch, answer_watch, &n);
                if (sent % 10 == 0)
                        run_loop(0);
        }
        assert_in_range(sent, CONTROL_OUTPUT_MAX / 5000, 999);
        close(fd);
        fd = connect_as(0);
        assert_string_equal(ANSWER(fd, "{\"method\":\"a.b.Echo\",\"parameters\":{\"text\":\"x\"}}"),
                            "{\"parameters\":{\"text\":\"x\",\"uid\":0}}\n");
        close(fd);
}

static void test_varlink_upgrade(void **state)
{
        static const char bytes[] = "{\"method\":\"a.b.Stream\",\"upgrade\":true}\0early bytes";
        int fd = connect_as(0);

        assert_string_equal(answer_to(fd, bytes, sizeof(bytes) - 1), "{\"parameters\":{}}\n");
        assert_true(fixture.upgraded_fd >= 0);
        assert_string_equal(fixture.early, "early bytes");
        assert_int_equal(send(fd, "later", 5, 0), 5);
        {
                char later[8] = "";

                assert_int_equal(recv(fixture.upgraded_fd, later, sizeof(later), 0), 5);
                assert_string_equal(later, "later");
        }
        close(fd);
}

/* Other users cannot keep root out, and root's own connections are limited too. */
static void test_varlink_many_connections(void **state)
{
        int fds[CONTROL_CONNECTIONS_MAX + CONTROL_OTHERS_MAX], n = 0, fd;

        for (unsigned i = 0; i < 1000; i++) {
                fd = connect_as(1000 + i % 3);
                if (fd >= 0)
                        fds[n++] = fd;
        }
        assert_int_equal(n, CONTROL_OTHERS_MAX);
        while ((fd = connect_as(0)) >= 0)
                fds[n++] = fd;
        assert_int_equal(n, ARRAY_SIZE(fds));
        assert_string_equal(ANSWER(fds[n - 1], "{\"method\":\"a.b.Echo\",\"parameters\":{\"text\":\"x\"}}"),
                            "{\"parameters\":{\"text\":\"x\",\"uid\":0}}\n");
        for (int i = 0; i < n; i++)
                close(fds[i]);
        run_loop(0);
        fd = connect_as(1000);
        assert_true(fd >= 0);
        close(fd);
}

static int echo_by(ControlClient *c, const char *text, ControlReply *ret)
{
        Json *j;

        assert_int_equal(control_call_begin("a.b.Echo", 0, &j, NULL), 0);
        json_put_string(j, "text", text);
        assert_int_equal(control_client_send(c, j, NULL, 0, 0), 0);
        run_loop(0);
        return control_client_receive(c, 0, ret);
}

static void test_varlink_client(void **state)
{
        _cleanup_client_ ControlClient *c = NULL;
        _cleanup_reply_ ControlReply reply = {};
        Failure f = {};
        struct stat st;

        assert_int_equal(stat(fixture.path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0666);
        assert_int_equal(control_client_open("/nowhere/at/all", &c), -ENOENT);
        assert_int_equal(control_client_open(fixture.path, &c), 0);
        assert_int_equal(control_client_receive(c, 1000, &reply), -ETIMEDOUT);
        assert_int_equal(echo_by(c, "hello", &reply), 0);
        assert_string_equal(json_member_string(reply.parameters, "text"), "hello");
        assert_int_equal(json_member(reply.parameters, "uid")->integer, getuid());
        assert_null(reply.error);
        assert_false(reply.continues);
        control_reply_done(&reply);

        /* An error of ours says why. */
        control_server_free(fixture.server);
        fixture.server = NULL;
        assert_int_equal(control_client_call(c, "a.b.Echo", NULL, 0, &reply, &f), -ECONNRESET);
        f = (Failure) {};
        reply = (ControlReply) { .error = CONTROL_PERMISSION_DENIED };
        assert_int_equal(control_reply_failed(&reply, "a.b.Fail", &f), -EACCES);
        assert_non_null(strstr(f.text, "a.b.Fail"));
}

static void test_varlink_client_hostile_answers(void **state)
{
        static const struct {
                const char *bytes;
                size_t size;
                int result;
        } cases[] = {
#define BYTES(b) b, sizeof(b)
                { BYTES("{\"parameters\":{\"a\":1}}"), 0 },
                { BYTES("{}"), 0 },
                { BYTES("{\"error\":\"x.y\",\"parameters\":null}"), 0 },
                { BYTES(""), -EBADMSG },
                { BYTES("1"), -EBADMSG },
                { BYTES("[]"), -EBADMSG },
                { BYTES("{\"error\":1}"), -EBADMSG },
                { BYTES("{\"parameters\":[]}"), -EBADMSG },
                { BYTES("\xc3\x28"), -EBADMSG },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_client_ ControlClient *c = NULL;
                _cleanup_reply_ ControlReply reply = {};
                int peer;

                control_server_free(fixture.server);
                fixture.server = NULL;
                assert_int_equal(control_client_open(fixture.path, &c), 0);
                peer = accept(fixture.listen_fd, NULL, NULL);
                assert_int_equal(send(peer, cases[i].bytes, cases[i].size, 0), cases[i].size);
                assert_int_equal(control_client_receive(c, 0, &reply), cases[i].result);
                close(peer);
        }
}

static void test_varlink_descriptors(void **state)
{
        for (unsigned i = 0; i < 3; i++) {
                _cleanup_client_ ControlClient *c = NULL;
                _cleanup_reply_ ControlReply reply = {};
                int fds[] = { STDIN_FILENO, STDOUT_FILENO };
                Json *j;

                if (getuid() != 0)
                        skip();
                assert_int_equal(control_client_open(fixture.path, &c), 0);
                assert_int_equal(control_call_begin("a.b.Take", 0, &j, NULL), 0);
                json_put_number(j, "index", i);
                assert_int_equal(control_client_send(c, j, fds, ARRAY_SIZE(fds), 0), 0);
                run_loop(0);
                assert_int_equal(control_client_receive(c, 0, &reply), 0);
                assert_int_equal(!reply.error, i < 2);
                fixture.other_fd = fd_close(fixture.other_fd);
        }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        const struct CMUnitTest tests[] = {
                TEST(test_varlink_calls_and_answers),
                TEST(test_varlink_info),
                TEST(test_varlink_framing),
                TEST(test_varlink_sizes),
                TEST(test_varlink_more),
                TEST(test_varlink_client_that_does_not_read),
                TEST(test_varlink_upgrade),
                TEST(test_varlink_many_connections),
                TEST(test_varlink_client),
                TEST(test_varlink_client_hostile_answers),
                TEST(test_varlink_descriptors),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
