/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "test.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "control/server.h"
#include "run/register-varlink.h"
#include "util/fd.h"

static const int ifindices[] = { 3, 17 };

static MachineRegistration example(void)
{
        return (MachineRegistration) {
                .name = "web", .id = { 0x01, 0xab, [15] = 0xff }, .service = "box", .class = "container", .leader = 4711,
                .leader_pidfd = -EBADF, .root = "/var/lib/machines/a \"b\"\\\n", .ifindices = ifindices, .n_ifindices = 2,
        };
}
static const VarlinkAddresses addresses = { "/run/box/web/control", "unix/run/x/ssh" };

#define COMMON(control) "{\"method\":\"io.systemd.Machine.Register\",\"parameters\":{\"leader\":4711,"                   \
                        "\"id\":\"01ab00000000000000000000000000ff\",\"name\":\"web\",\"service\":\"box\","               \
                        "\"class\":\"container\",\"rootDirectory\":\"/var/lib/machines/a \\\"b\\\"\\\\\\u000a\","           \
                        "\"sshAddress\":\"unix/run/x/ssh\"" control ",\"ifIndices\":[3,17]}}"

static void test_register_varlink_calls(void **state)
{
        const MachineRegistration reg = example();
        _cleanup_free_ char *text = NULL;
        _cleanup_json_ Json *j = NULL;
        size_t size;

        text = register_varlink_calls(&reg, &addresses, &size);
        assert_string_equal(text, COMMON(",\"controlAddress\":\"/run/box/web/control\""));
        assert_string_equal(text + strlen(text) + 1, COMMON(""));
        assert_int_equal(size, sizeof(COMMON(",\"controlAddress\":\"/run/box/web/control\"")) + sizeof(COMMON("")));
        /* It is JSON, with the path as it is. */
        assert_int_equal(json_read(text, strlen(text), 100, &j, NULL), 0);
        assert_string_equal(json_member_string(json_member(json_root(j), "parameters"), "rootDirectory"), reg.root);
}

typedef struct Server {
        char dir[64], path[80];
        int listen_fd, fd;
        ControlClient *client;
} Server;

static void open_server(Server *s)
{
        const MachineRegistration reg = example();
        char text[4096];
        size_t n;

        (void) snprintf(s->dir, sizeof(s->dir), "/tmp/test-register-XXXXXX");
        assert_non_null(mkdtemp(s->dir));
        (void) snprintf(s->path, sizeof(s->path), "%s/machined", s->dir);
        s->client = NULL;
        assert_int_equal(register_varlink_start(s->path, &reg, &addresses, &s->client), -ENOENT);
        s->listen_fd = control_listen(s->path, NULL);
        assert_int_equal(register_varlink_start(s->path, &reg, &addresses, &s->client), 0);
        s->fd = accept(s->listen_fd, NULL, NULL);
        n = (size_t) recv(s->fd, text, sizeof(text), 0);
        assert_int_equal(n, sizeof(COMMON(",\"controlAddress\":\"/run/box/web/control\"")) + sizeof(COMMON("")));
}

static void close_server(Server *s)
{
        control_client_free(s->client);
        fd_close(s->fd);
        fd_close(s->listen_fd);
        assert_int_equal(unlink(s->path), 0);
        assert_int_equal(rmdir(s->dir), 0);
}

static void test_register_varlink_answers(void **state)
{
#define UNKNOWN "{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{\"parameter\":\"controlAddress\"}}\0"
#define EXISTS "{\"error\":\"io.systemd.Machine.MachineExists\",\"parameters\":{}}\0"
#define BYTES(b) b, sizeof(b) - 1
        static const struct {
                const char *first;
                size_t n_first;
                int result;
                const char *second;
                size_t n_second;
                int later;
        } cases[] = {
                { BYTES("{\"parameters\":{}}\0"), 1, BYTES(""), 0 },
                { BYTES("{}\0" EXISTS), 1, BYTES(""), 0 },
                { BYTES(UNKNOWN "{}\0"), 1, BYTES(""), 0 },
                { BYTES(UNKNOWN), 0, BYTES("{\"parameters\":{}}\0"), 1 },
                { BYTES(""), 0, BYTES(UNKNOWN), 0 },
                { BYTES(UNKNOWN EXISTS), -EEXIST, BYTES(""), 0 },
                { BYTES(UNKNOWN), 0, BYTES(UNKNOWN), -EREMOTEIO },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                Server s;

                open_server(&s);
                assert_int_equal(register_varlink_take(s.client), 0);
                assert_int_equal(send(s.fd, cases[i].first, cases[i].n_first, 0), cases[i].n_first);
                assert_int_equal(register_varlink_take(s.client), cases[i].result);
                if (cases[i].n_second > 0) {
                        assert_int_equal(send(s.fd, cases[i].second, cases[i].n_second, 0), cases[i].n_second);
                        assert_int_equal(register_varlink_take(s.client), cases[i].later);
                }
                close_server(&s);
        }
}

/* A machined that ends is no machined: the bus is asked. */
static void test_register_varlink_end(void **state)
{
        Server s;

        open_server(&s);
        s.fd = fd_close(s.fd);
        assert_int_equal(register_varlink_take(s.client), -ECONNRESET);
        close_server(&s);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_register_varlink_calls),
                cmocka_unit_test(test_register_varlink_answers),
                cmocka_unit_test(test_register_varlink_end),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
