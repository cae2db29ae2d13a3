/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tree-fixture.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "payload/credential.h"

static char path[128];

static const char *in_tree(const Tree *t, const char *name)
{
        (void) snprintf(path, sizeof(path), "%s/%s", t->path, name);
        return path;
}

static int load(const char *source, bool fetch, Credentials *ret, Problems *problems)
{
        CredentialSetting c = { .id = (char *) "id", .path = (char *) source, .from = { "--load-credential=", 0 } };
        Settings s;

        settings_init(&s);
        s.credentials = &c;
        s.n_credentials = 1;
        return credentials_load(&s, fetch, ret, problems);
}

static void test_files(void **state)
{
        const Tree *t = *state;
        _cleanup_(problems_done) Problems problems = {};
        _cleanup_(credentials_done) Credentials c = {}, own = {};

        tree_fixture_bytes(t, "secret", "a\0b", 3, 0600);
        assert_int_equal(load(in_tree(t, "secret"), true, &c, &problems), 0);
        assert_int_equal(c.n, 1);
        assert_int_equal(c.items[0].size, 3);
        assert_memory_equal(c.items[0].data, "a\0b", 3);

        /* By name, from the caller's credentials. */
        assert_int_equal(setenv("CREDENTIALS_DIRECTORY", t->path, 1), 0);
        assert_int_equal(load("secret", true, &own, &problems), 0);
        assert_int_equal(own.items[0].size, 3);
        assert_int_equal(problems.n, 0);
        assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
}

static void test_failures(void **state)
{
        const Tree *t = *state;
        _cleanup_(problems_done) Problems problems = {};
        _cleanup_free_ char *big = calloc(1, 1024 * 1024 + 1);
        Credentials c = {};

        assert_int_equal(load(in_tree(t, "none"), true, &c, &problems), 0);
        assert_int_equal(problems.n_fatal, 1);
        assert_non_null(strstr(problems.items[0].text, "/none"));
        credentials_done(&c);

        assert_int_equal(load("secret", true, &c, &problems), 0);
        assert_int_equal(problems.n_fatal, 2);
        credentials_done(&c);

        assert_non_null(big);
        tree_fixture_bytes(t, "big", big, 1024 * 1024 + 1, 0600);
        assert_int_equal(load(in_tree(t, "big"), true, &c, &problems), 0);
        assert_int_equal(problems.n_fatal, 3);
        assert_non_null(strstr(problems.items[2].text, "1 MiB"));
        credentials_done(&c);

        assert_int_equal(load(t->path, true, &c, &problems), 0);
        assert_int_equal(problems.n_fatal, 4);
        credentials_done(&c);
}

static void test_limit_is_for_all_together(void **state)
{
        _cleanup_(problems_done) Problems problems = {};
        _cleanup_free_ char *half = calloc(1, 600 * 1024);
        CredentialSetting two[] = {
                { .id = (char *) "a", .data = half, .size = 600 * 1024 },
                { .id = (char *) "b", .data = half, .size = 600 * 1024 },
        };
        Credentials c = {};
        Settings s;

        assert_non_null(half);
        settings_init(&s);
        s.credentials = two;
        s.n_credentials = 1;
        assert_int_equal(credentials_load(&s, true, &c, &problems), 0);
        assert_int_equal(problems.n_fatal, 0);
        credentials_done(&c);
        s.n_credentials = 2;
        assert_int_equal(credentials_load(&s, true, &c, &problems), 0);
        assert_int_equal(problems.n_fatal, 1);
        credentials_done(&c);
}

/* A service that answers with the caller's address, which names the credential. */
static void serve(int fd)
{
        struct sockaddr_un peer = {};
        socklen_t n = sizeof(peer);
        int c = accept(fd, (struct sockaddr *) &peer, &n);

        if (c >= 0 && n > offsetof(struct sockaddr_un, sun_path) + 1)
                (void) !write(c, peer.sun_path + 1, n - offsetof(struct sockaddr_un, sun_path) - 1);
        _exit(0);
}

static void test_socket(void **state)
{
        const Tree *t = *state;
        _cleanup_(problems_done) Problems problems = {};
        _cleanup_(credentials_done) Credentials c = {}, dry = {};
        struct sockaddr_un a = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        pid_t pid;

        assert_true(fd >= 0);
        (void) snprintf(a.sun_path, sizeof(a.sun_path), "%s/s", t->path);
        assert_int_equal(bind(fd, (struct sockaddr *) &a, sizeof(a)), 0);
        assert_int_equal(listen(fd, 1), 0);

        /* There is no service: a dry run would wait forever. */
        assert_int_equal(load(in_tree(t, "s"), false, &dry, &problems), 0);
        assert_null(dry.items[0].data);

        pid = fork();
        if (pid == 0)
                serve(fd);
        assert_int_equal(load(in_tree(t, "s"), true, &c, &problems), 0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        assert_int_equal(problems.n, 0);
        assert_int_equal(c.items[0].size, strlen("0123456789abcdef/nspawn/id"));
        assert_memory_equal(c.items[0].data + 16, "/nspawn/id", 10);
        fd_close(fd);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TREE_TEST(test_files),
                TREE_TEST(test_failures),
                cmocka_unit_test(test_limit_is_for_all_together),
                TREE_TEST(test_socket),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
