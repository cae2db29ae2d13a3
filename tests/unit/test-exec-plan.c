/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "test.h"

#include <linux/capability.h>
#include <linux/mount.h>
#include <signal.h>

#include "payload/stub-init.h"
#include "plan-fixture.h"
#include "plan/exec-plan.h"
#include "util/architecture.h"

static MachineUser a_user(void)
{
        return (MachineUser) { .name = (char *) "web", .uid = 33, .gid = 33, .home = (char *) "/srv/web",
                               .shell = (char *) "/bin/sh" };
}

static void test_root(void **state)
{
        _cleanup_(plan_fixture_done) PlanFixture f;

        plan_fixture_init(&f, INIT_NONE);
        plan_fixture_plan(&f, "/bin/true a");
        assert_null(f.plan.user);
        assert_null(f.plan.working_directory);          /* a command's: the root */
        assert_string_equal(f.plan.exec_path, "/bin/true");
        assert_string_equal(strv_env_get(f.plan.env, "USER"), "root");
        assert_null(strv_env_get(f.plan.env, "LISTEN_FDS"));
        assert_int_equal(f.plan.kill_signal, 0);
}

static void test_login_shell(void **state)
{
        _cleanup_(plan_fixture_done) PlanFixture root, web, told;
        MachineUser u = a_user();

        plan_fixture_init(&root, INIT_NONE);
        plan_fixture_plan(&root, "");
        assert_null(root.plan.exec_path);
        assert_string_equal(root.plan.working_directory, "/root");
        assert_null(root.plan.working_directory_from.where);

        plan_fixture_init(&web, INIT_NONE);
        web.user = &u;
        plan_fixture_plan(&web, "--user=web");
        assert_string_equal(web.plan.working_directory, "/srv/web");
        assert_string_equal(strv_env_get(web.plan.env, "HOME"), "/srv/web");
        assert_string_equal(strv_env_get(web.plan.env, "LOGNAME"), "web");
        assert_int_equal(web.plan.user->uid, 33);

        plan_fixture_init(&told, INIT_NONE);
        plan_fixture_plan(&told, "--chdir=/mnt");
        assert_string_equal(told.plan.working_directory, "/mnt");
        assert_string_equal(told.plan.working_directory_from.where, "--chdir=");
}

/* Whom the tree does not know, the host may have lent. */
static void test_bound_user(void **state)
{
        HostUser alice = { .name = (char *) "alice", .uid = 1000, .gid = 1000, .home = (char *) "/home/alice" };
        _cleanup_(plan_fixture_done) PlanFixture f;

        plan_fixture_init(&f, INIT_NONE);
        f.users.items = &alice;
        f.users.n = 1;
        f.user_error = -ESRCH;
        plan_fixture_plan(&f, "-U --bind-user=alice --user=alice /bin/true");
        assert_int_equal(f.problems.n, 0);
        assert_int_equal(f.plan.user->uid, BIND_USER_FIRST);
        assert_int_equal(f.plan.user->n_groups, 1);
        assert_string_equal(strv_env_get(f.plan.env, "HOME"), "/run/host/home/alice");
        f.users = (HostUsers) {};
}

static void test_user_problems(void **state)
{
        static const struct { const char *arguments; int error; uid_t uid; const char *text; } cases[] = {
                { "-u nobody-here /bin/true", -ESRCH, 0, "no such user" },
                { "-u bad /bin/true", -EBADMSG, 0, "cannot be read" },
                { "-u web -U /bin/true", 0, 70000, "has no id 70000" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(plan_fixture_done) PlanFixture f;
                MachineUser u = a_user();

                u.uid = cases[i].uid;
                plan_fixture_init(&f, INIT_NONE);
                f.user = cases[i].error < 0 ? NULL : &u;
                f.user_error = cases[i].error;
                plan_fixture_plan(&f, cases[i].arguments);
                assert_int_equal(f.problems.n_fatal, 1);
                assert_non_null(strstr(f.problems.items[0].text, cases[i].text));
                assert_non_null(strstr(f.problems.items[0].text, "--user="));
        }
}

/* As the kernel splits its command line. */
static void test_words_for_an_init(void **state)
{
        _cleanup_(plan_fixture_done) PlanFixture boot, command;

        plan_fixture_init(&boot, INIT_SYSTEMD);
        plan_fixture_plan(&boot, "-b -E FOO=first FOO=bar systemd.unit=x.target quiet EMPTY= 3D=no a-b=c =x");
        assert_int_equal(boot.problems.n, 0);
        assert_string_equal(strv_env_get(boot.plan.env, "FOO"), "bar");
        assert_string_equal(strv_env_get(boot.plan.env, "EMPTY"), "");
        assert_string_equal(boot.plan.argv[1], "systemd.unit=x.target");
        assert_string_equal(boot.plan.argv[2], "quiet");
        assert_string_equal(boot.plan.argv[3], "3D=no");
        assert_string_equal(boot.plan.argv[4], "a-b=c");
        assert_string_equal(boot.plan.argv[5], "=x");
        assert_null(boot.plan.argv[6]);

        plan_fixture_init(&command, INIT_NONE);
        plan_fixture_plan(&command, "/bin/env FOO=bar");
        assert_null(strv_env_get(command.plan.env, "FOO"));
        assert_string_equal(command.plan.argv[1], "FOO=bar");
}

static void test_process_two(void **state)
{
        _cleanup_(plan_fixture_done) PlanFixture f, own;

        plan_fixture_init(&f, INIT_NONE);
        plan_fixture_plan(&f, "-a /bin/true");
        assert_int_equal(f.problems.n, 0);
        assert_int_equal(f.plan.start_mode, START_PID2);
        assert_int_equal(f.plan.kill_signal, STUB_INIT_POWER_OFF);
        assert_string_equal(strv_env_get(f.plan.env, "LANG"), "C.UTF-8");

        plan_fixture_init(&own, INIT_NONE);
        plan_fixture_plan(&own, "-a --kill-signal=SIGUSR1 /bin/true");
        assert_int_equal(own.plan.kill_signal, SIGUSR1);
}

static void test_ambient_capability(void **state)
{
        static const struct { const char *arguments, *text; } cases[] = {
                { "--ambient-capability=CAP_NET_ADMIN /bin/true", "AmbientCapability=CAP_NET_ADMIN: the machine does not have" },
                { "--ambient-capability=CAP_KILL --drop-capability=CAP_KILL /bin/true", "does not have" },
                { "--ambient-capability=CAP_KILL -b", "Boot= (--boot)" },
        };
        _cleanup_(plan_fixture_done) PlanFixture good;

        plan_fixture_init(&good, INIT_NONE);
        plan_fixture_plan(&good, "--ambient-capability=CAP_NET_ADMIN --private-network /bin/true");
        assert_int_equal(good.problems.n, 0);
        assert_int_equal(good.plan.ambient, 1 << CAP_NET_ADMIN);

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(plan_fixture_done) PlanFixture f;

                plan_fixture_init(&f, INIT_SYSTEMD);
                plan_fixture_plan(&f, cases[i].arguments);
                assert_int_equal(f.problems.n_fatal, 1);
                assert_non_null(strstr(f.problems.items[0].text, cases[i].text));
        }
}

static void test_suppress_sync(void **state)
{
        _cleanup_(plan_fixture_done) PlanFixture by_host, by_switch;

        plan_fixture_init(&by_host, INIT_NONE);
        by_host.host.environment.suppress_sync = true;
        plan_fixture_plan(&by_host, "/bin/true");
        assert_true(plan_seccomp(&by_host.plan).suppress_sync);

        plan_fixture_init(&by_switch, INIT_NONE);
        by_switch.host.environment.suppress_sync = true;
        plan_fixture_plan(&by_switch, "--suppress-sync=no /bin/true");
        assert_false(plan_seccomp(&by_switch.plan).suppress_sync);
}

static void test_personality(void **state)
{
        _cleanup_(plan_fixture_done) PlanFixture f;
        _cleanup_free_ char *arguments = NULL;

        if (!*architecture_secondary)
                skip();
        assert_true(asprintf(&arguments, "--personality=%s /bin/true", architecture_secondary) > 0);
        plan_fixture_init(&f, INIT_NONE);
        plan_fixture_plan(&f, arguments);
        assert_int_equal(f.problems.n, 0);
        assert_string_equal(f.plan.personality, architecture_secondary);
}

static void test_sockets(void **state)
{
        _cleanup_(plan_fixture_done) PlanFixture f;

        plan_fixture_init(&f, INIT_SYSTEMD);
        f.host.n_listen_fds = 2;
        f.host.listen_names = strdup("web:connection");
        plan_fixture_plan(&f, "-b");
        assert_string_equal(strv_env_get(f.plan.env, "LISTEN_FDS"), "2");
        assert_string_equal(strv_env_get(f.plan.env, "LISTEN_FDNAMES"), "web:connection");
        assert_null(strv_env_get(f.plan.env, "LISTEN_PID"));
        assert_int_equal(f.plan.n_listen_fds, 2);
}

/* The directory is "/", the tree lies in it, and what is named by way of it is the tree's. */
static void test_pivot_root(void **state)
{
        static const struct { const char *source; bool old; const char *taken; } binds[] = {
                { "/sysroot/var", true, "/var" }, { "/sysroot", true, "/" }, { "/sysroots", false, "/sysroots" },
                { "/etc", false, "/etc" },
        };
        _cleanup_(plan_fixture_done) PlanFixture f;
        const MountOp *op;

        plan_fixture_init(&f, INIT_NONE);
        plan_fixture_plan(&f, "-U --pivot-root=/os/1:/sysroot --bind=+/sysroot/var:/0 --bind=+/sysroot:/1 --bind=+/sysroots:/2 "
                              "--bind=+/etc:/3 --overlay=+/sysroot/a:+/b:/4 /bin/true");
        assert_int_equal(f.problems.n, 0);
        assert_string_equal(f.plan.root, "/var/lib/machines/gentoo/os/1");
        op = plan_fixture_mount(&f, "/");
        assert_string_equal(op->source, "/var/lib/machines/gentoo/os/1");
        assert_int_equal(op->source_kind, MOUNT_SOURCE_TREE);

        op = plan_fixture_mount(&f, "/sysroot");
        assert_string_equal(op->source, "/var/lib/machines/gentoo");
        assert_int_equal(op->source_kind, MOUNT_SOURCE_OLD_ROOT);
        assert_int_equal(op->id_map, MOUNT_IDMAP_MACHINE);
        assert_int_equal(op->attrs, MOUNT_ATTR_NODEV);

        for (size_t i = 0; i < ARRAY_SIZE(binds); i++) {
                char dest[] = { '/', (char) ('0' + i), 0 };

                op = plan_fixture_mount(&f, dest);
                assert_string_equal(op->source, binds[i].taken);
                assert_int_equal(op->source_kind, binds[i].old ? MOUNT_SOURCE_IN_OLD_ROOT : MOUNT_SOURCE_IN_TREE);
        }
        op = plan_fixture_mount(&f, "/4");
        assert_string_equal(op->layers[0].source, "/a");
        assert_int_equal(op->layers[0].source_kind, MOUNT_SOURCE_IN_OLD_ROOT);
        assert_int_equal(op->layers[1].source_kind, MOUNT_SOURCE_IN_TREE);
}

static void test_pivot_root_old_is_not_written_to(void **state)
{
        static const char *const arguments[] = {
                "--ephemeral --pivot-root=/os:/old /bin/true", "--volatile=overlay --pivot-root=/os:/old /bin/true",
                "--read-only --pivot-root=/os:/old /bin/true",
        };

        for (size_t i = 0; i < ARRAY_SIZE(arguments); i++) {
                _cleanup_(plan_fixture_done) PlanFixture f;

                plan_fixture_init(&f, INIT_NONE);
                plan_fixture_plan(&f, arguments[i]);
                assert_int_equal(f.problems.n, 0);
                assert_int_equal(plan_fixture_mount(&f, "/old")->attrs, MOUNT_ATTR_RDONLY);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_root),
                cmocka_unit_test(test_login_shell),
                cmocka_unit_test(test_bound_user),
                cmocka_unit_test(test_user_problems),
                cmocka_unit_test(test_process_two),
                cmocka_unit_test(test_words_for_an_init),
                cmocka_unit_test(test_ambient_capability),
                cmocka_unit_test(test_suppress_sync),
                cmocka_unit_test(test_personality),
                cmocka_unit_test(test_sockets),
                cmocka_unit_test(test_pivot_root),
                cmocka_unit_test(test_pivot_root_old_is_not_written_to),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
