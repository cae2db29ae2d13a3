/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Facts about trees, also of hostile ones. */

#include "tree-fixture.h"

#include "image/tree-facts.h"

static void read_facts(const Tree *t, TreeFacts *ret)
{
        Failure failure = { 0 };

        tree_facts_done(ret);
        assert_int_equal(tree_facts_read(t->fd, ret, &failure), 0);
        assert_int_equal(failure.error, 0);
}

static void test_empty_tree(void **state)
{
        _cleanup_(tree_facts_done) TreeFacts f = { 0 };

        read_facts(*state, &f);
        assert_false(f.has_os_release);
        assert_false(f.has_usr);
        assert_null(f.os_pretty_name);
        assert_string_equal(f.machine_id, "");
        assert_null(f.init_path);
        assert_int_equal(f.init, INIT_NONE);
        assert_int_equal(f.owner_uid, getuid());
        assert_int_equal(f.owner_gid, getgid());
}

static void expect_name(const Tree *t, const char *os_release, const char *want)
{
        _cleanup_(tree_facts_done) TreeFacts f = { 0 };

        tree_fixture_file(t, "usr/lib/os-release", os_release);
        read_facts(t, &f);
        assert_true(f.has_os_release);
        if (want)
                assert_string_equal(f.os_pretty_name, want);
        else
                assert_null(f.os_pretty_name);
}

static void test_os_release(void **state)
{
        const Tree *t = *state;
        char big[70000];

        tree_fixture_link(t, "etc/os-release", "../usr/lib/os-release");
        expect_name(t, "ID=x\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nX=1\n", "Debian GNU/Linux 12 (bookworm)");
        expect_name(t, "PRETTY_NAME=Alpine", "Alpine");
        expect_name(t, "PRETTY_NAME='a\\b'\r\n", "a\\b");
        expect_name(t, "PRETTY_NAME=\"a\\\"b\"trailing\n", "a\"btrailing");
        expect_name(t, "PRETTY_NAME=one\nPRETTY_NAME=two\n", "two");
        expect_name(t, "PRETTY_NAME=\033]0;evil\a\n", "?]0;evil?");
        expect_name(t, "PRETTY_NAME=\"open\nMORE=x\n", "open");
        expect_name(t, "PRETTY_NAME=\n", NULL);
        expect_name(t, "NOT_PRETTY_NAME=x\n", NULL);
        expect_name(t, "", NULL);

        memset(big, 'x', sizeof(big));
        memcpy(big, "PRETTY_NAME=", 12);
        memcpy(big + 12 + 127, "\xc3\xa4", 2);          /* a character across the limit */
        big[300] = '\n';
        big[1000] = 0;
        {
                _cleanup_(tree_facts_done) TreeFacts f = { 0 };

                tree_fixture_file(t, "usr/lib/os-release", big);
                read_facts(t, &f);
                assert_int_equal(strlen(f.os_pretty_name), 127);
        }
        {
                _cleanup_(tree_facts_done) TreeFacts f = { 0 };

                tree_fixture_bytes(t, "usr/lib/os-release", big, sizeof(big), 0644);
                read_facts(t, &f);
                assert_false(f.has_os_release);
        }
}

/* Links never lead out of the tree, and nothing is waited for. */
static void test_hostile_files(void **state)
{
        _cleanup_(tree_facts_done) TreeFacts f = { 0 };
        const Tree *t = *state;

        tree_fixture_link(t, "etc/os-release", "/../../../../../../etc/os-release");
        tree_fixture_link(t, "etc/machine-id", "/etc/hostname");
        tree_fixture_link(t, "sbin/init", "/../../../../../../../bin/sh");
        tree_fixture_parents(t, "usr/lib/x");
        assert_int_equal(mkfifoat(t->fd, "usr/lib/os-release", 0644), 0);
        read_facts(t, &f);
        assert_false(f.has_os_release);
        assert_int_equal(f.init, INIT_NONE);

        tree_fixture_link(t, "sbin/init", "init");
        tree_fixture_link(t, "etc/os-release", "os-release");
        read_facts(t, &f);
        assert_int_equal(f.init, INIT_NONE);
        assert_false(f.has_os_release);
}

static void expect_id(const Tree *t, const char *text, const char *want)
{
        _cleanup_(tree_facts_done) TreeFacts f = { 0 };

        tree_fixture_file(t, "etc/machine-id", text);
        read_facts(t, &f);
        assert_string_equal(f.machine_id, want);
}

static void test_machine_id(void **state)
{
        const Tree *t = *state;

        expect_id(t, "0123456789ABCDEF0123456789abcdef\n", "0123456789abcdef0123456789abcdef");
        expect_id(t, "0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdef");
        expect_id(t, "", "");
        expect_id(t, "uninitialized\n", "");
        expect_id(t, "00000000000000000000000000000000\n", "");
        expect_id(t, "0123456789abcdef0123456789abcdef0\n", "");
        expect_id(t, "0123456789abcdef0123456789abcde\n", "");
}

static void expect_init(const Tree *t, InitFlavour flavour, const char *path)
{
        _cleanup_(tree_facts_done) TreeFacts f = { 0 };

        read_facts(t, &f);
        if (f.init != flavour)
                fail_msg("%s is not %s", init_flavour_name(f.init), init_flavour_name(flavour));
        assert_string_equal(f.init_path, path);
}

static void test_init_by_link(void **state)
{
        static const struct {
                const char *program;
                InitFlavour flavour;
        } cases[] = {
                { "/usr/sbin/openrc-init", INIT_OPENRC },
                { "/usr/bin/busybox", INIT_BUSYBOX },
                { "/lib/runit/runit-init", INIT_RUNIT },
                { "/sbin/finit", INIT_FINIT },
                { "/usr/bin/dinit", INIT_DINIT },
                { "/usr/bin/s6-linux-init", INIT_S6 },
                { "/opt/own", INIT_OTHER },
        };
        const Tree *t = *state;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                tree_fixture_program(t, cases[i].program + 1, "\177ELF");
                tree_fixture_link(t, "etc/alternatives/init", cases[i].program);
                tree_fixture_link(t, "sbin/init", "../etc/alternatives/init");
                expect_init(t, cases[i].flavour, "/sbin/init");
        }
}

static void test_init_by_content(void **state)
{
        static const struct {
                const char *content;
                size_t size;
                InitFlavour flavour;
        } cases[] = {
#define CONTENT(s) s, sizeof(s) - 1
                { CONTENT("\177ELF\0\0SysV init version: %s\0/run/initctl\0x\0/etc/inittab\0"), INIT_SYSVINIT },
                { CONTENT("\177ELF\0/dev/initctl\0/etc/inittab\0"), INIT_SYSVINIT },
                { CONTENT("\177ELF\0/etc/inittab\0BusyBox v1.35.0\0"), INIT_BUSYBOX },
                { CONTENT("\177ELF\0/run/openrc/init.ctl\0"), INIT_OPENRC },
                { CONTENT("\177ELF\0/run/initctl\0/etc/finit.conf\0/etc/inittab\0"), INIT_FINIT },
                { CONTENT("\177ELF\0/run/runit.stopit\0"), INIT_RUNIT },
                { CONTENT("#!/bin/execlineb -S0\ns6-linux-init -c /etc/s6-linux-init\n"), INIT_S6 },
                { CONTENT("#!/bin/sh\nexec /my/init\n"), INIT_OTHER },
                { CONTENT(""), INIT_OTHER },
        };
        const Tree *t = *state;

        /* Things that prove nothing: sysvinit's configuration, an openrc-init that is not used. */
        tree_fixture_file(t, "etc/inittab", "id:2:initdefault:\n");
        tree_fixture_program(t, "sbin/openrc-init", "\177ELF\0/run/openrc/init.ctl");
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                tree_fixture_bytes(t, "sbin/init", cases[i].content, cases[i].size, 0755);
                expect_init(t, cases[i].flavour, "/sbin/init");
        }
}

/* OpenRC below another PID 1: inittab names it, or a script that executes it. */
static void test_services_of_openrc(void **state)
{
        static const char sysvinit[] = "\177ELF\0/run/initctl\0/etc/inittab\0";
        static const char busybox[] = "\177ELF\0/etc/inittab\0BusyBox v1.35.0\0";
        static const struct {
                const char *inittab, *script;
                bool openrc;
        } cases[] = {
                { "::sysinit:/sbin/openrc sysinit\n::wait:/sbin/openrc default\n", "", true },
                { "id:3:initdefault:\nsi::sysinit:/sbin/openrc sysinit\n", "", true },
                { "si::sysinit:/etc/init.d/rcS\n", "#!/bin/sh\nset -e\nexec /sbin/openrc sysinit\n", true },
                { "si::sysinit:/etc/init.d/rcS\n", "#!/bin/sh\nexec /etc/init.d/rc S\n", false },
                { "si::sysinit:/etc/init.d/rcS\n", "no script: /sbin/openrc sysinit\n", false },
                { "#si::sysinit:/sbin/openrc sysinit\nsi::sysinit:/etc/init.d/none\n", "", false },
                { "l3:3:wait:/sbin/openrc default\n", "", false },
                { "si::sysinit:/etc/init.d\n", "", false },
                { "", "", false },
        };
        const Tree *t = *state;

        tree_fixture_program(t, "sbin/openrc", "\177ELF");
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                tree_fixture_file(t, "etc/inittab", cases[i].inittab);
                tree_fixture_program(t, "etc/init.d/rcS", cases[i].script);
                tree_fixture_bytes(t, "sbin/init", sysvinit, sizeof(sysvinit), 0755);
                expect_init(t, cases[i].openrc ? INIT_SYSVINIT_OPENRC : INIT_SYSVINIT, "/sbin/init");
                tree_fixture_bytes(t, "sbin/init", busybox, sizeof(busybox), 0755);
                expect_init(t, cases[i].openrc ? INIT_BUSYBOX_OPENRC : INIT_BUSYBOX, "/sbin/init");
                /* It is PID 1 itself. */
                tree_fixture_program(t, "sbin/init", "\177ELF /run/openrc/init.ctl");
                expect_init(t, INIT_OPENRC, "/sbin/init");
        }
}

static void test_systemd_and_who_goes_first(void **state)
{
        const Tree *t = *state;

        tree_fixture_program(t, "lib/systemd/systemd", "\177ELF");
        expect_init(t, INIT_SYSTEMD, "/lib/systemd/systemd");
        tree_fixture_program(t, "usr/lib/systemd/systemd", "\177ELF");
        tree_fixture_link(t, "sbin/init", "/lib/systemd/systemd");
        expect_init(t, INIT_SYSTEMD, "/usr/lib/systemd/systemd");

        /* An installed init of another kind is preferred; one that cannot be executed is not. */
        tree_fixture_link(t, "sbin/init", "/bin/busybox");
        expect_init(t, INIT_SYSTEMD, "/usr/lib/systemd/systemd");
        tree_fixture_file(t, "bin/busybox", "BusyBox v1");
        expect_init(t, INIT_SYSTEMD, "/usr/lib/systemd/systemd");
        tree_fixture_program(t, "usr/bin/busybox", "BusyBox v1");
        tree_fixture_link(t, "sbin/init", "/usr/bin/busybox");
        expect_init(t, INIT_BUSYBOX, "/sbin/init");

        /* systemd under another name of its own directory. */
        tree_fixture_program(t, "opt/systemd/systemd", "\177ELF");
        assert_int_equal(unlinkat(t->fd, "usr/lib/systemd/systemd", 0), 0);
        assert_int_equal(unlinkat(t->fd, "lib/systemd/systemd", 0), 0);
        tree_fixture_link(t, "sbin/init", "/opt/systemd/systemd");
        expect_init(t, INIT_SYSTEMD, "/sbin/init");
}

/* The three look the same to an execve(), and each needs something else to be done. */
static void test_init_problems(void **state)
{
        Tree *t = *state;
        TreeFacts f = { 0 };

        assert_int_equal(tree_facts_read(t->fd, &f, NULL), 0);
        assert_null(f.init_problem);
        tree_facts_done(&f);

        tree_fixture_link(t, "sbin/init", "../lib/no-such-init");
        assert_int_equal(tree_facts_read(t->fd, &f, NULL), 0);
        assert_string_equal(f.init_problem, "is a link whose target is missing");
        tree_facts_done(&f);

        tree_fixture_link(t, "sbin/init", "init");
        assert_int_equal(tree_facts_read(t->fd, &f, NULL), 0);
        assert_string_equal(f.init_problem, "is a link that leads round in a circle");
        tree_facts_done(&f);

        assert_int_equal(unlinkat(t->fd, "sbin/init", 0), 0);
        tree_fixture_file(t, "sbin/init", "text");
        assert_int_equal(tree_facts_read(t->fd, &f, NULL), 0);
        assert_string_equal(f.init_problem, "is not executable");
        assert_int_equal(tree_facts_set_init(t->fd, "/sbin", &f, NULL), 0);
        assert_string_equal(f.init_problem, "is not a regular file");
        tree_facts_done(&f);
}

/* The administrator's word for where the init is. */
static void test_set_init(void **state)
{
        _cleanup_(tree_facts_done) TreeFacts facts = { 0 };
        Tree *t = *state;

        tree_fixture_link(t, "sbin/init", "/usr/lib/systemd/systemd");
        tree_fixture_program(t, "usr/lib/systemd/systemd", "\177ELF");
        tree_fixture_program(t, "opt/runit-init", "\177ELF");
        tree_fixture_file(t, "opt/data", "\177ELF");
        assert_int_equal(tree_facts_read(t->fd, &facts, NULL), 0);
        assert_int_equal(facts.init, INIT_SYSTEMD);

        assert_int_equal(tree_facts_set_init(t->fd, "/opt/runit-init", &facts, NULL), 0);
        assert_int_equal(facts.init, INIT_RUNIT);
        assert_string_equal(facts.init_path, "/opt/runit-init");

        assert_int_equal(tree_facts_set_init(t->fd, "/opt/data", &facts, NULL), 0);
        assert_int_equal(facts.init, INIT_NONE);
        assert_null(facts.init_path);
}

static void test_flavour_names(void **state)
{
        for (int f = 0; f < _INIT_FLAVOUR_MAX; f++) {
                assert_non_null(init_flavour_name((InitFlavour) f));
                assert_int_equal(init_flavour_from_name(init_flavour_name((InitFlavour) f)), f);
        }
        assert_int_equal(init_flavour_from_name("upstart"), -EINVAL);
        assert_null(init_flavour_name(_INIT_FLAVOUR_MAX));
}

static void test_usr_links(void **state)
{
        _cleanup_(tree_facts_done) TreeFacts merged = { 0 }, split = { 0 };
        const Tree *t = *state;

        tree_fixture_file(t, "usr/bin/sh", "");
        tree_fixture_link(t, "bin", "usr/bin");
        tree_fixture_link(t, "sbin", "/usr/bin");
        tree_fixture_link(t, "lib", "usr/../../outside");
        tree_fixture_link(t, "lib64", "usr/lib 64\n");
        assert_int_equal(tree_facts_read(t->fd, &merged, NULL), 0);
        assert_false(merged.split_usr);
        assert_string_equal(merged.usr_links[0], "bin=usr/bin");
        assert_string_equal(merged.usr_links[1], "sbin=/usr/bin");
        assert_null(merged.usr_links[2]);

        tree_fixture_link(t, "sbin", "x");
        assert_int_equal(unlinkat(t->fd, "sbin", 0), 0);
        tree_fixture_file(t, "sbin/init", "");
        assert_int_equal(tree_facts_read(t->fd, &split, NULL), 0);
        assert_true(split.split_usr);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TREE_TEST(test_empty_tree),
                TREE_TEST(test_os_release),
                TREE_TEST(test_hostile_files),
                TREE_TEST(test_machine_id),
                TREE_TEST(test_init_by_link),
                TREE_TEST(test_init_by_content),
                TREE_TEST(test_services_of_openrc),
                TREE_TEST(test_systemd_and_who_goes_first),
                TREE_TEST(test_set_init),
                TREE_TEST(test_init_problems),
                TREE_TEST(test_usr_links),
                cmocka_unit_test(test_flavour_names),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
