/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Specifiers in settings files: which files have them, and what each is. */

#include <sys/utsname.h>

#include "tree-fixture.h"

#include "config/nspawn-file.h"
#include "config/specifiers.h"

#define ID "0123456789abcdef0123456789abcdef"

/* The value of the file's last Environment=, with what is wrong in *problems. */
static void read_file(const Tree *t, const char *text, bool trusted, char **ret, Problems *problems)
{
        _cleanup_(assignments_done) Assignments a = { .trusted = trusted };

        assert_int_equal(nspawn_file_parse("x.nspawn", text, strlen(text), &a, problems), 0);
        assert_int_equal(specifiers_apply(&(SpecifierFacts) { "my-web", t->path }, &a, problems), 0);
        *ret = strdup(assignments_last(&a, SETTING_ENVIRONMENT));
        assert_non_null(*ret);
}

static void is(const Tree *t, const char *text, const char *value)
{
        _cleanup_(problems_done) Problems problems = {};
        _cleanup_free_ char *file = NULL, *got = NULL;

        assert_true(asprintf(&file, "[Exec]\nEnvironment=%s\n[X-Box]\nSpecifiers=yes\n", text) > 0);
        read_file(t, file, /* trusted= */ true, &got, &problems);
        assert_int_equal(problems.n, 0);
        assert_string_equal(got, value);
}

static void test_who_has_them(void **state)
{
        static const struct { const char *text; bool trusted, expanded; } rows[] = {
                { "[Exec]\nEnvironment=A=%i\n", true, false },
                { "[Exec]\nEnvironment=A=%i\n[X-Box]\nSpecifiers=yes\n", true, true },
                { "[X-Box]\nSpecifiers=yes\n[Exec]\nEnvironment=A=%i\n", true, true },
                { "[Exec]\nEnvironment=A=%i\n[X-Box]\nSpecifiers=no\n", true, false },
                { "[Exec]\nEnvironment=A=%i\n[X-Box]\nSpecifiers=yes\nSpecifiers=no\n", true, false },
                { "[Exec]\nEnvironment=A=%i\n[X-Box]\nSpecifiers=\n", true, false },
                { "[Exec]\nEnvironment=A=%i\n[X-Box]\nSpecifiers=maybe\n", true, false },
                { "[Exec]\nEnvironment=A=%i\n[X-Box]\nSpecifiers=yes\n", false, false },
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_(problems_done) Problems problems = {};
                _cleanup_free_ char *got = NULL;

                read_file(*state, rows[i].text, rows[i].trusted, &got, &problems);
                assert_string_equal(got, rows[i].expanded ? "A=my-web" : "A=%i");
        }
}

static void test_each(void **state)
{
        const Tree *t = *state;
        _cleanup_free_ char *kernel = NULL, *host = NULL, *text = NULL, *boot = NULL;
        struct utsname u;

        tree_fixture_file(t, "etc/machine-id", ID "\n");
        tree_fixture_file(t, "usr/lib/os-release", "ID=debian\nVERSION_ID=\"13\"\n# VARIANT_ID=x\nIMAGE_ID='a b'\n");
        is(t, "%i=%I", "my-web=my/web");
        is(t, "%m", ID);
        is(t, "%o-%w-%W-%M", "debian-13--a b");
        is(t, "%t %S %C %L %E %T %V", "/run /var/lib /var/cache /var/log /etc /tmp /var/tmp");
        is(t, "%u:%U %g:%G %h", "root:0 root:0 /root");
        is(t, "100%% 50%", "100% 50%");

        assert_int_equal(uname(&u), 0);
        is(t, "%v %H", (assert_true(asprintf(&kernel, "%s %s", u.release, u.nodename) > 0), kernel));
        u.nodename[strcspn(u.nodename, ".")] = 0;
        is(t, "%l", (assert_true(asprintf(&host, "%s", u.nodename) > 0), host));
        assert_true(fd_read_file_at(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 64, &boot, NULL) >= 0);
        assert_true(asprintf(&text, "%.8s%.4s%.4s%.4s%.12s", boot, boot + 9, boot + 14, boot + 19, boot + 24) > 0);
        is(t, "%b", text);
}

static void refuses(const Tree *t, const char *value, const char *words)
{
        _cleanup_(problems_done) Problems problems = {};
        _cleanup_free_ char *file = NULL, *got = NULL;

        assert_true(asprintf(&file, "[X-Box]\nSpecifiers=yes\n[Exec]\n\nEnvironment=%s\n", value) > 0);
        read_file(t, file, /* trusted= */ true, &got, &problems);
        assert_int_equal(problems.n_fatal, 1);
        assert_non_null(strstr(problems.items[0].text, words));
        assert_string_equal(got, value);
}

static void test_refused(void **state)
{
        const Tree *t = *state;

        refuses(t, "A=%z", "x.nspawn:5: Environment=A=%z: unknown specifier '%z'");
        refuses(t, "A=%n", "unknown specifier '%n'");
        refuses(t, "A=%m", "does not say what '%m' is: No such file");
        tree_fixture_file(t, "etc/machine-id", "uninitialized\n");
        refuses(t, "A=%m", "does not say what '%m' is");
        tree_fixture_file(t, "etc/os-release", "ID=a\033[31m\n");
        refuses(t, "A=%o", "does not say what '%o' is");
}

static void test_refused_in_a_key_of_the_host_s_systemd(void **state)
{
        _cleanup_(problems_done) Problems problems = {};
        _cleanup_free_ char *got = NULL;

        read_file(*state, "[X-Box]\nSpecifiers=yes\n[X-Resources]\nFutureLimit=%z\n[Exec]\nEnvironment=A=1\n",
                  /* trusted= */ true, &got, &problems);
        assert_int_equal(problems.n_fatal, 1);
        assert_string_equal(problems.items[0].text,
                            "x.nspawn:4: FutureLimit=%z: unknown specifier '%z'; %% is a percent sign");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TREE_TEST(test_who_has_them),
                TREE_TEST(test_each),
                TREE_TEST(test_refused),
                TREE_TEST(test_refused_in_a_key_of_the_host_s_systemd),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
