/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "test.h"

#include <linux/capability.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>

#include "plan-fixture.h"
#include "util/fd.h"

#define CAP_BIT(c) (UINT64_C(1) << (c))

/* ---- whole plans as text: tests/golden/plan-NAME.txt, written anew where BOX_UPDATE_GOLDEN is set ---------- */

static void compare_golden(const char *name, const char *text)
{
        _cleanup_free_ char *path = NULL, *golden = NULL;
        _cleanup_close_ int fd = -EBADF;
        bool update = getenv("BOX_UPDATE_GOLDEN");

        assert_true(asprintf(&path, "%s/plan-%s.txt", GOLDEN_DIR, name) > 0);
        fd = open(path, update ? O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC : O_RDONLY | O_CLOEXEC, 0644);
        assert_true(fd >= 0);
        if (update) {
                assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
                return;
        }
        assert_int_equal(fd_read_all(fd, 1024 * 1024, &golden, NULL), 0);
        assert_string_equal(text, golden);
}

static void test_plan_print_golden(void **state)
{
        static const struct { const char *name; InitFlavour init; const char *arguments; } cases[] = {
                { "unit", INIT_SYSTEMD, "--quiet --keep-unit --boot --network-veth -U --settings=override" },
                { "host", INIT_SYSVINIT, "--boot --read-only --drop-capability=CAP_MKNOD --bind=/srv:/srv:norbind" },
                { "command", INIT_NONE,
                  "--private-users=identity --private-network --network-macvlan=eth0 --console=pipe "
                  "--setenv=HOME=/srv --tmpfs=/srv:size=1m --no-new-privileges=yes /bin/echo hello" },
                { "files", INIT_SYSTEMD,
                  "-b -U -x --bind=:/scratch --bind=+/opt:/srv --overlay=+/var:/a:/b:/var --overlay-ro=/c:/d "
                  "--overlay=+/etc::/etc --tmpfs=/etc/tmp --inaccessible=/boot" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(plan_fixture_done) PlanFixture f;
                _cleanup_free_ char *text = NULL;
                size_t size = 0;
                FILE *out = open_memstream(&text, &size);

                assert_non_null(out);
                plan_fixture_init(&f, cases[i].init);
                plan_fixture_plan(&f, cases[i].arguments);
                assert_int_equal(f.problems.n, 0);
                assert_int_equal(plan_print(&f.plan, out), 0);
                fclose(out);
                compare_golden(cases[i].name, text);
        }
}

/* ---- defaults that depend on several settings -------------------------------------------------------------- */

static void test_plan_make_ready(void **state)
{
        static const struct { InitFlavour init; const char *arguments; bool wait; } cases[] = {
                { INIT_SYSTEMD, "-b", true },
                { INIT_SYSTEMD, "-b --notify-ready=no", false },
                { INIT_BUSYBOX, "-b", false },
                { INIT_BUSYBOX, "-b --notify-ready=yes", true },
                { INIT_NONE, "/bin/true", false },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(plan_fixture_done) PlanFixture f;

                plan_fixture_init(&f, cases[i].init);
                plan_fixture_plan(&f, cases[i].arguments);
                assert_int_equal(f.plan.wait_ready, cases[i].wait);
        }
}

static void test_plan_make_capabilities(void **state)
{
        _cleanup_(plan_fixture_done) PlanFixture host, own, mapped, asked, dropped;

        plan_fixture_init(&host, INIT_SYSTEMD);
        plan_fixture_plan(&host, "-b");
        assert_false(host.plan.caps & CAP_BIT(CAP_NET_ADMIN));
        assert_true(host.plan.caps & CAP_BIT(CAP_NET_BIND_SERVICE));

        plan_fixture_init(&own, INIT_SYSTEMD);
        plan_fixture_plan(&own, "-b --private-network");
        assert_true(own.plan.caps & CAP_BIT(CAP_NET_ADMIN));
        assert_true(own.plan.namespaces & CLONE_NEWNET);

        /* In a user namespace the host's low ports are not to be had. */
        plan_fixture_init(&mapped, INIT_SYSTEMD);
        plan_fixture_plan(&mapped, "-b -U");
        assert_false(mapped.plan.caps & CAP_BIT(CAP_NET_BIND_SERVICE));
        assert_true(mapped.plan.namespaces & CLONE_NEWUSER);

        plan_fixture_init(&asked, INIT_SYSTEMD);
        plan_fixture_plan(&asked, "-b --capability=CAP_SYS_TIME");
        assert_true(asked.plan.caps & CAP_BIT(CAP_SYS_TIME));

        /* --drop-capability= takes precedence. */
        plan_fixture_init(&dropped, INIT_SYSTEMD);
        plan_fixture_plan(&dropped, "-b --capability=all --drop-capability=CAP_SYS_TIME,CAP_MKNOD");
        assert_false(dropped.plan.caps & (CAP_BIT(CAP_SYS_TIME) | CAP_BIT(CAP_MKNOD)));
        assert_true(dropped.plan.caps & CAP_BIT(CAP_SYS_ADMIN));
}

static void test_plan_make_problems(void **state)
{
        static const struct { bool os_release, usr; InitFlavour init; uid_t owner; const char *arguments, *text; } cases[] = {
                { false, true, INIT_SYSTEMD, 0, "-b", "os-release" },
                { true, true, INIT_NONE, 0, "-b", "no init" },
                { true, false, INIT_NONE, 0, "/bin/true", "/usr" },
                { true, true, INIT_SYSTEMD, 0x20000000, "-b -U", "belongs to the ids" },
                { true, true, INIT_SYSTEMD, 0, "-b --system-call-filter=nosuchcall", "nosuchcall" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(plan_fixture_done) PlanFixture f;

                plan_fixture_init(&f, cases[i].init);
                f.tree.has_os_release = cases[i].os_release;
                f.tree.has_usr = cases[i].usr;
                f.tree.owner_uid = cases[i].owner;
                plan_fixture_plan(&f, cases[i].arguments);
                assert_int_equal(f.problems.n_fatal, 1);
                assert_non_null(strstr(f.problems.items[0].text, cases[i].text));
        }
}

static void test_plan_make_environment(void **state)
{
        _cleanup_(plan_fixture_done) PlanFixture f;

        plan_fixture_init(&f, INIT_SYSTEMD);
        plan_fixture_plan(&f, "-b --setenv=container=mine --setenv=A=b --kill-signal=SIGPWR");
        assert_string_equal(strv_env_get(f.plan.env, "container"), "mine");
        assert_string_equal(strv_env_get(f.plan.env, "A"), "b");
        assert_string_equal(strv_env_get(f.plan.env, "container_host_id"), "debian");
        assert_string_equal(strv_env_get(f.plan.env, "container_host_version_id"), "12");
        assert_string_equal(strv_env_get(f.plan.env, "NOTIFY_SOCKET"), "/run/host/notify");
        assert_int_equal(f.plan.kill_signal, SIGPWR);
}

/* The tree's id, then the setting's, then one that is the same for the same name each time. */
static void test_plan_make_uuid(void **state)
{
        _cleanup_(plan_fixture_done) PlanFixture tree, set, one, other;

        plan_fixture_init(&tree, INIT_SYSTEMD);
        memcpy(tree.tree.machine_id, "0123456789abcdef0123456789abcdef", 33);
        plan_fixture_plan(&tree, "-b --uuid=11111111111141118111111111111111");
        assert_string_equal(tree.plan.uuid, "01234567-89ab-cdef-0123-456789abcdef");

        plan_fixture_init(&set, INIT_SYSTEMD);
        plan_fixture_plan(&set, "-b --uuid=11111111111141118111111111111111");
        assert_string_equal(set.plan.uuid, "11111111-1111-4111-8111-111111111111");

        plan_fixture_init(&one, INIT_SYSTEMD);
        plan_fixture_plan(&one, "-b");
        plan_fixture_init(&other, INIT_BUSYBOX);
        plan_fixture_plan(&other, "-b -U");
        assert_string_equal(one.plan.uuid, other.plan.uuid);
        assert_int_equal(one.plan.uuid[14], '4');
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_plan_print_golden),
                cmocka_unit_test(test_plan_make_ready),
                cmocka_unit_test(test_plan_make_capabilities),
                cmocka_unit_test(test_plan_make_problems),
                cmocka_unit_test(test_plan_make_environment),
                cmocka_unit_test(test_plan_make_uuid),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
