/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Rules and connections in network namespaces of the test: from the host to its own port, which is forwarded. */

#include "netns-fixture.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "net/host-port.h"
#include "net/port-forward.h"
#include "util/fd.h"
#include "util/log.h"

static char lock_dir[] = "/tmp/box-test-ports-XXXXXX";

static PortSetting ports[] = {
        { .host_port = 8080, .container_port = 80, .from = { "x.nspawn", 3 } },
        { .udp = true, .host_port = 5353, .container_port = 53, .from = { "x.nspawn", 4 } },
};
static const NetworkPlan plan = { .is_private = true, .ports = ports, .n_ports = ARRAY_SIZE(ports) };

static void address_of(const char *text, uint16_t port, struct sockaddr_storage *ret, socklen_t *ret_size)
{
        struct sockaddr_in6 *six = (void *) ret;
        struct sockaddr_in *four = (void *) ret;

        memset(ret, 0, sizeof(*ret));
        if (strchr(text, ':')) {
                *six = (struct sockaddr_in6) { .sin6_family = AF_INET6, .sin6_port = htons(port) };
                assert_int_equal(inet_pton(AF_INET6, text, &six->sin6_addr), 1);
                *ret_size = sizeof(*six);
        } else {
                *four = (struct sockaddr_in) { .sin_family = AF_INET, .sin_port = htons(port) };
                assert_int_equal(inet_pton(AF_INET, text, &four->sin_addr), 1);
                *ret_size = sizeof(*four);
        }
}

static void give(int rtnl, const char *link, const char *text, unsigned prefix)
{
        int family = strchr(text, ':') ? AF_INET6 : AF_INET;
        uint8_t bytes[16];

        assert_int_equal(inet_pton(family, text, bytes), 1);
        add_address(rtnl, link, family, bytes, prefix, RT_SCOPE_UNIVERSE, 0);
}

/* A server in the machine, on all addresses of both families. */
static int listen_in(const Machine *m, int type, uint16_t port)
{
        struct sockaddr_storage address;
        socklen_t size;
        int fd;

        assert_int_equal(setns(m->netns, CLONE_NEWNET), 0);
        fd = socket(AF_INET6, type | SOCK_CLOEXEC, 0);
        assert_true(fd >= 0);
        address_of("::", port, &address, &size);
        assert_int_equal(bind(fd, (struct sockaddr *) &address, size), 0);
        if (type == SOCK_STREAM)
                assert_int_equal(listen(fd, 5), 0);
        assert_int_equal(setns(host_netns, CLONE_NEWNET), 0);
        return fd;
}

/* Is a connection from the host to its own port answered? If not, it is refused at once. */
static bool connects(const char *address, uint16_t port)
{
        struct sockaddr_storage to;
        socklen_t size;
        _cleanup_close_ int fd = -EBADF;

        address_of(address, port, &to, &size);
        fd = socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_true(fd >= 0);
        return connect(fd, (struct sockaddr *) &to, size) == 0;
}

static void new_forward(const Machine *m, const PortTarget *target, PortForward **ret)
{
        PortSockets sockets = PORT_SOCKETS_NULL;
        Failure failure = { 0 };

        assert_int_equal(port_sockets_open(m->netns, &sockets, &failure), 0);
        assert_int_equal(port_forward_new(target, &sockets, ret, &failure), 0);
        assert_int_equal(sockets.rtnl, -EBADF);
}

static int forward(const Machine *m, const char *name, PortForward **ret, Failure *failure)
{
        const PortTarget target = { .machine = name, .lock_dir = lock_dir };
        int r;

        new_forward(m, &target, ret);
        r = port_forward_set(*ret, ports, ARRAY_SIZE(ports), failure);
        if (r < 0)
                *ret = port_forward_free(*ret);
        return r;
}

static Machine connected_machine(void)
{
        Machine m = machine_new();

        connect_machine(&m, "ve-x", "host0");
        set_link(host_rtnl, "lo", 0, NULL, 0, true);
        give(host_rtnl, "ve-x", "10.1.0.1", 24);
        give(host_rtnl, "ve-x", "fd00:1::1", 64);
        return m;
}

static void test_follows_addresses(void **state)
{
        Machine m = connected_machine();
        int server = listen_in(&m, SOCK_STREAM, 80);
        PortForward *f = NULL;
        Failure failure = { 0 };
        uint8_t bytes[16];

        assert_int_equal(forward(&m, "x", &f, &failure), 0);
        assert_false(connects("10.1.0.1", 8080));

        give(m.rtnl, "host0", "10.1.0.2", 24);
        assert_int_equal(port_forward_update(f, &failure), 0);
        assert_true(connects("10.1.0.1", 8080));
        assert_false(connects("10.1.0.1", 80));
        assert_false(connects("127.0.0.1", 8080));
        assert_false(connects("fd00:1::1", 8080));

        give(m.rtnl, "host0", "fd00:1::2", 64);
        assert_int_equal(port_forward_update(f, &failure), 0);
        assert_true(connects("fd00:1::1", 8080));
        assert_false(connects("::1", 8080));
        assert_true(connects("10.1.0.1", 8080));

        /* Another address replaces the first: the rules follow. */
        assert_int_equal(inet_pton(AF_INET, "10.1.0.2", bytes), 1);
        remove_address(m.rtnl, "host0", AF_INET, bytes, 24);
        give(m.rtnl, "host0", "10.1.0.3", 24);
        assert_int_equal(port_forward_update(f, &failure), 0);
        assert_true(connects("10.1.0.1", 8080));

        f = port_forward_free(f);
        assert_false(connects("10.1.0.1", 8080));
        assert_false(connects("fd00:1::1", 8080));
        delete_link(host_rtnl, "ve-x");
        fd_close(server);
        machine_done(&m);
}

static void test_udp(void **state)
{
        Machine m = connected_machine();
        int server = listen_in(&m, SOCK_DGRAM, 53), client = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        struct timeval patience = { .tv_sec = 5 };
        struct sockaddr_storage to;
        PortForward *f = NULL;
        Failure failure = { 0 };
        socklen_t size;
        char byte = 0;

        give(m.rtnl, "host0", "10.1.0.2", 24);
        assert_int_equal(forward(&m, "x", &f, &failure), 0);
        address_of("10.1.0.1", 5353, &to, &size);
        assert_int_equal(sendto(client, "x", 1, 0, (struct sockaddr *) &to, size), 1);
        assert_int_equal(setsockopt(server, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
        assert_int_equal(recv(server, &byte, 1, 0), 1);
        assert_int_equal(byte, 'x');
        f = port_forward_free(f);
        delete_link(host_rtnl, "ve-x");
        fd_close(server);
        fd_close(client);
        machine_done(&m);
}

/* On the event loop, without a call of port_forward_update(). */
static void test_attached(void **state)
{
        Machine m = connected_machine();
        int server = listen_in(&m, SOCK_STREAM, 80);
        sd_event *event = NULL;
        PortForward *f = NULL;
        Failure failure = { 0 };
        bool ok = false;

        assert_int_equal(forward(&m, "x", &f, &failure), 0);
        assert_true(sd_event_new(&event) >= 0);
        assert_true(port_forward_attach(f, event) >= 0);
        assert_true(sd_event_run(event, 1000 * 1000) >= 0);
        assert_false(connects("10.1.0.1", 8080));

        give(m.rtnl, "host0", "10.1.0.2", 24);
        for (unsigned i = 0; i < 20 && !ok; i++) {
                assert_true(sd_event_run(event, 100 * 1000) >= 0);
                ok = connects("10.1.0.1", 8080);
        }
        assert_true(ok);

        port_forward_detach(f);
        f = port_forward_free(f);
        event = sd_event_unref(event);
        delete_link(host_rtnl, "ve-x");
        fd_close(server);
        machine_done(&m);
}

/* One machine a port; the error names the other one. The lock is released with its holder. */
static void test_port_taken(void **state)
{
        Machine m = machine_new(), other = machine_new();
        _cleanup_(problems_done) Problems problems = { 0 };
        PortForward *f = NULL, *g = NULL;
        Failure failure = { 0 };

        assert_int_equal(forward(&m, "x", &f, &failure), 0);
        assert_int_equal(forward(&other, "y", &g, &failure), -EBUSY);
        assert_string_equal(failure.text, "x.nspawn:3: Port=tcp:8080: the host's port belongs to machine x");

        /* The same by a check, which takes nothing; the machine's own ports are no problem. */
        assert_int_equal(host_port_check(&plan, "x", lock_dir, &problems), 0);
        assert_int_equal(problems.n, 0);
        assert_int_equal(host_port_check(&plan, "y", lock_dir, &problems), 0);
        assert_int_equal(problems.n_fatal, 2);
        assert_string_equal(problems.items[0].text, "x.nspawn:3: Port=tcp:8080: the host's port belongs to machine x");
        assert_string_equal(problems.items[1].text, "x.nspawn:4: Port=udp:5353: the host's port belongs to machine x");
        problems_done(&problems);
        f = port_forward_free(f);
        assert_int_equal(host_port_check(&plan, "y", lock_dir, &problems), 0);
        assert_int_equal(problems.n, 0);
        assert_int_equal(forward(&other, "y", &g, &failure), 0);
        g = port_forward_free(g);
        machine_done(&m);
        machine_done(&other);
}

/* A killed supervisor leaves no rules. */
static void test_killed(void **state)
{
        Machine m = connected_machine();
        int server = listen_in(&m, SOCK_STREAM, 80);
        PortForward *f = NULL;
        Failure failure = { 0 };
        int ready[2];
        char byte;
        pid_t pid;

        give(m.rtnl, "host0", "10.1.0.2", 24);
        assert_int_equal(pipe(ready), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                if (forward(&m, "x", &f, NULL) >= 0 && write(ready[1], "1", 1) == 1)
                        pause();
                _exit(1);
        }
        close(ready[1]);
        assert_int_equal(read(ready[0], &byte, 1), 1);
        close(ready[0]);
        assert_true(connects("10.1.0.1", 8080));
        assert_int_equal(forward(&m, "x", &f, &failure), -EBUSY);

        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        assert_false(connects("10.1.0.1", 8080));
        failure = (Failure) { 0 };
        assert_int_equal(forward(&m, "x", &f, &failure), 0);
        assert_true(connects("10.1.0.1", 8080));
        f = port_forward_free(f);
        delete_link(host_rtnl, "ve-x");
        fd_close(server);
        machine_done(&m);
}

static char noted[2048];

static void take_note(void *userdata, const char *text)
{
        (void) snprintf(noted, sizeof(noted), "%s", text);
}

static int listen_on(int type, const char *address, uint16_t port)
{
        struct sockaddr_storage to;
        socklen_t size;
        int fd;

        address_of(address, port, &to, &size);
        fd = socket(to.ss_family, type | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(fd, (struct sockaddr *) &to, size), 0);
        if (type == SOCK_STREAM)
                assert_int_equal(listen(fd, 5), 0);
        return fd;
}

/* What keeps ports from working is noted as long as it is so. */
static void test_notes(void **state)
{
        static const char forward_4[] = "/proc/sys/net/ipv4/ip_forward", forward_6[] = "/proc/sys/net/ipv6/conf/all/forwarding";
        Machine m = connected_machine();
        const PortTarget target = { .machine = "x", .lock_dir = lock_dir, .note = take_note };
        PortForward *f = NULL;
        Failure failure = { 0 };

        assert_int_equal(fd_write_file_at(AT_FDCWD, forward_4, "0"), 0);
        assert_int_equal(fd_write_file_at(AT_FDCWD, forward_6, "1"), 0);
        new_forward(&m, &target, &f);
        assert_int_equal(port_forward_set(f, ports, ARRAY_SIZE(ports), &failure), 0);
        assert_non_null(strstr(noted, "Port= leads nowhere: the machine has no address"));
        give(m.rtnl, "host0", "10.9.0.2", 24);          /* not routed here */
        assert_int_equal(port_forward_update(f, &failure), 0);
        assert_non_null(strstr(noted, "Port= leads nowhere"));

        give(m.rtnl, "host0", "10.1.0.2", 24);
        give(m.rtnl, "host0", "fd00:1::2", 64);
        assert_int_equal(port_forward_update(f, &failure), 0);
        assert_null(strstr(noted, "Port= leads nowhere"));
        assert_non_null(strstr(noted, "net.ipv4.ip_forward is 0"));
        assert_null(strstr(noted, "net.ipv6"));
        assert_int_equal(fd_write_file_at(AT_FDCWD, forward_6, "0"), 0);
        assert_int_equal(port_forward_update(f, &failure), 0);
        assert_non_null(strstr(noted, "net.ipv6.conf.all.forwarding is 0"));
        assert_int_equal(fd_write_file_at(AT_FDCWD, forward_4, "1"), 0);
        assert_int_equal(fd_write_file_at(AT_FDCWD, forward_6, "1"), 0);
        assert_int_equal(port_forward_update(f, &failure), 0);
        assert_string_equal(noted, "");
        f = port_forward_free(f);
        delete_link(host_rtnl, "ve-x");
        machine_done(&m);
}

/* A program of the host on a forwarded port: not on loopback, which is not forwarded; not of the other protocol. */
static void test_listeners(void **state)
{
        static const struct {
                int type;
                const char *address;
                uint16_t port;
                const char *note;
        } cases[] = {
                { SOCK_STREAM, "0.0.0.0", 8080, "x.nspawn:3: Port=tcp:8080 takes connections from" },
                { SOCK_STREAM, "::", 8080, "Port=tcp:8080" },
                { SOCK_STREAM, "127.0.0.1", 8080, NULL },
                { SOCK_STREAM, "0.0.0.0", 8081, NULL },
                { SOCK_DGRAM, "0.0.0.0", 5353, "x.nspawn:4: Port=udp:5353" },
                { SOCK_DGRAM, "0.0.0.0", 8080, NULL },
                { SOCK_STREAM, "0.0.0.0", 5353, NULL },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                Machine m = connected_machine();
                const PortTarget target = { .machine = "x", .lock_dir = lock_dir, .note = take_note };
                int fd = listen_on(cases[i].type, cases[i].address, cases[i].port);
                PortForward *f = NULL;
                Failure failure = { 0 };

                noted[0] = 0;
                new_forward(&m, &target, &f);
                assert_int_equal(port_forward_set(f, ports, ARRAY_SIZE(ports), &failure), 0);
                assert_int_equal(!!strstr(noted, "a program of the host that listens on this port"), !!cases[i].note);
                if (cases[i].note)
                        assert_non_null(strstr(noted, cases[i].note));
                f = port_forward_free(f);
                fd_close(fd);
                delete_link(host_rtnl, "ve-x");
                machine_done(&m);
        }
}

/* Other ports while it runs, all or none; those that stay are locked throughout. */
static void test_changed(void **state)
{
        static const PortSetting more[] = {
                { .host_port = 8080, .container_port = 80 }, { .host_port = 8081, .container_port = 80 },
        };
        static const PortSetting moved[] = { { .host_port = 8081, .container_port = 81 } };
        static const PortSetting taken[] = {
                { .host_port = 8082, .container_port = 80 }, { .udp = true, .host_port = 5353, .container_port = 53 },
        };
        Machine m = connected_machine(), other = machine_new();
        int server = listen_in(&m, SOCK_STREAM, 80), another = listen_in(&m, SOCK_STREAM, 81);
        PortForward *f = NULL, *g = NULL;
        Failure failure = { 0 };

        give(m.rtnl, "host0", "10.1.0.2", 24);
        assert_int_equal(forward(&m, "x", &f, &failure), 0);
        assert_true(connects("10.1.0.1", 8080));
        assert_int_equal(port_forward_set(f, more, ARRAY_SIZE(more), &failure), 0);
        assert_true(connects("10.1.0.1", 8080));
        assert_true(connects("10.1.0.1", 8081));

        /* udp:5353 is free now; then it belongs to another one. */
        new_forward(&other, &(PortTarget) { .machine = "y", .lock_dir = lock_dir }, &g);
        assert_int_equal(port_forward_set(g, ports + 1, 1, &failure), 0);
        assert_int_equal(port_forward_set(f, taken, ARRAY_SIZE(taken), &failure), -EBUSY);
        assert_string_equal(failure.text, "Port=udp:5353: the host's port belongs to machine y");
        assert_true(connects("10.1.0.1", 8080));
        assert_true(connects("10.1.0.1", 8081));
        assert_false(connects("10.1.0.1", 8082));
        failure = (Failure) { 0 };
        assert_int_equal(port_forward_set(g, taken, ARRAY_SIZE(taken), &failure), 0);

        assert_int_equal(port_forward_set(f, moved, ARRAY_SIZE(moved), &failure), 0);
        assert_false(connects("10.1.0.1", 8080));
        fd_close(server);
        assert_true(connects("10.1.0.1", 8081));        /* to the other port, in which 80 has no part */
        assert_int_equal(port_forward_set(f, NULL, 0, &failure), 0);
        assert_false(connects("10.1.0.1", 8081));
        f = port_forward_free(f);
        g = port_forward_free(g);
        delete_link(host_rtnl, "ve-x");
        fd_close(another);
        machine_done(&m);
        machine_done(&other);
}

/* Many ports are one transaction. */
static void test_many(void **state)
{
        Machine m = connected_machine();
        int server = listen_in(&m, SOCK_STREAM, 80);
        PortSetting many[40];
        const PortTarget target = { .machine = "x", .lock_dir = lock_dir };
        PortForward *f = NULL;
        Failure failure = { 0 };

        for (uint16_t i = 0; i < ARRAY_SIZE(many); i++)
                many[i] = (PortSetting) { .host_port = (uint16_t) (20000 + i), .container_port = 80 };
        give(m.rtnl, "host0", "10.1.0.2", 24);
        give(m.rtnl, "host0", "fd00:1::2", 64);
        new_forward(&m, &target, &f);
        assert_int_equal(port_forward_set(f, many, ARRAY_SIZE(many), &failure), 0);
        assert_true(connects("10.1.0.1", 20000));
        assert_true(connects("fd00:1::1", 20039));
        f = port_forward_free(f);
        delete_link(host_rtnl, "ve-x");
        fd_close(server);
        machine_done(&m);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_follows_addresses),
                cmocka_unit_test(test_udp),
                cmocka_unit_test(test_attached),
                cmocka_unit_test(test_port_taken),
                cmocka_unit_test(test_killed),
                cmocka_unit_test(test_notes),
                cmocka_unit_test(test_listeners),
                cmocka_unit_test(test_changed),
                cmocka_unit_test(test_many),
        };
        int r;

        log_setup("test-port-forward", LOG_ERR);
        if (!mkdtemp(lock_dir) || !host_new())
                return 77;
        r = cmocka_run_group_tests(tests, NULL, NULL);
        /* No lock is left. */
        return rmdir(lock_dir) < 0 ? 1 : r;
}
