/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The effect of [X-Box] and of environment variables on a plan. */

#include "test.h"

#include <linux/capability.h>
#include <linux/mount.h>
#include <sched.h>

#include "plan-fixture.h"
#include "util/quantity.h"

#define SEC UINT64_C(1000000)

/* A line of the machine's file: before plan_fixture_plan(), whose switches are read over it. */
static void set(PlanFixture *f, SettingId id, const char *text)
{
        const SettingRow *row = settings_table_row(id);
        const Source from = { "/etc/systemd/nspawn/gentoo.nspawn", 1 };
        char reason[SETTING_REASON_MAX];

        assert_int_equal(row->parse(row, text, from, &f->settings, reason), 0);
        f->settings.from[id] = from;
}

static void test_plan_init(void **state)
{
        static const struct { InitFlavour found; const char *init; InitFlavour plan; bool wait, ask; } cases[] = {
                { INIT_BUSYBOX, "", INIT_BUSYBOX, false, true },
                { INIT_BUSYBOX, "runit", INIT_RUNIT, false, true },
                { INIT_OTHER, "systemd", INIT_SYSTEMD, true, true },
                { INIT_SYSTEMD, "none", INIT_NONE, false, false },
                /* A path has gone into the facts already. */
                { INIT_S6, "/opt/init", INIT_S6, false, true },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(plan_fixture_done) PlanFixture f;

                plan_fixture_init(&f, cases[i].found);
                set(&f, SETTING_INIT, cases[i].init);
                plan_fixture_plan(&f, "-b");
                assert_int_equal(f.plan.init, cases[i].plan);
                assert_int_equal(f.plan.wait_ready, cases[i].wait);
                assert_int_equal(plan_can_ask(&f.plan), cases[i].ask);
        }
}

static void test_plan_init_missing(void **state)
{
        _cleanup_(plan_fixture_done) PlanFixture f;

        plan_fixture_init(&f, INIT_NONE);
        set(&f, SETTING_INIT, "/opt/init");
        plan_fixture_plan(&f, "-b");
        assert_int_equal(f.problems.n_fatal, 1);
        assert_non_null(strstr(f.problems.items[0].text, "gentoo.nspawn:1: Init=/opt/init"));
}

static void test_plan_start_timeout(void **state)
{
        static const struct {
                const char *timeout, *ready;
                uint64_t usec;
        } cases[] = {
                { "5min", "yes", 300 * SEC }, { "infinity", "yes", 0 }, { "", "yes", 0 },
                /* One that is ready when it is executed needs no time. */
                { "5min", "no", 0 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(plan_fixture_done) PlanFixture f;

                plan_fixture_init(&f, INIT_SYSTEMD);
                set(&f, SETTING_START_TIMEOUT, cases[i].timeout);
                set(&f, SETTING_NOTIFY_READY, cases[i].ready);
                plan_fixture_plan(&f, "-b");
                assert_int_equal(f.plan.start_timeout_usec, cases[i].usec);
        }
}

static void test_plan_stop(void **state)
{
        _cleanup_(plan_fixture_done) PlanFixture f, command, asked;

        plan_fixture_init(&f, INIT_SYSTEMD);
        set(&f, SETTING_STOP_TIMEOUT, "1min 30s");
        plan_fixture_plan(&f, "-b");
        assert_int_equal(f.plan.stop_timeout_usec, 90 * SEC);
        assert_int_equal(plan_unit_stop_usec(&f.plan), 100 * SEC);
        f.plan.stop_timeout_usec = UINT64_MAX;
        assert_true(plan_unit_stop_usec(&f.plan) > 1000000 * SEC && plan_unit_stop_usec(&f.plan) < UINT64_MAX);
        f.plan.stop_timeout_usec = 0;
        assert_int_equal(plan_unit_stop_usec(&f.plan), 0);

        /* A command can only be killed, unless it has a signal of its own. */
        plan_fixture_init(&command, INIT_NONE);
        plan_fixture_plan(&command, "/bin/true");
        assert_false(plan_can_ask(&command.plan));
        plan_fixture_init(&asked, INIT_NONE);
        plan_fixture_plan(&asked, "--kill-signal=SIGTERM /bin/true");
        assert_true(plan_can_ask(&asked.plan));
}

/* ---- namespaces that are left out --------------------------------------------------------------------------- */

static void test_plan_shared_namespaces(void **state)
{
        static const uint64_t all = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC;
        static const struct {
                EnvironmentOptions environment;
                const char *arguments;
                uint64_t born, late;
                RegisterMode mode;
        } cases[] = {
                { {}, "/bin/true", all, CLONE_NEWCGROUP, REGISTER_AUTO },
                { { .share_ipc = true }, "--register=yes /bin/true", all & ~(uint64_t) CLONE_NEWIPC, CLONE_NEWCGROUP,
                  REGISTER_YES },
                { { .share_pid = true }, "--register=yes /bin/true", all & ~(uint64_t) CLONE_NEWPID, CLONE_NEWCGROUP,
                  REGISTER_NO },
                { { .share_uts = true }, "/bin/true", all & ~(uint64_t) CLONE_NEWUTS, CLONE_NEWCGROUP, REGISTER_NO },
                { { .share_cgroup = true }, "-b", all, 0, REGISTER_AUTO },
                { {}, "--share-system /bin/true", CLONE_NEWNS, CLONE_NEWCGROUP, REGISTER_NO },
                { { .share_pid = true }, "-U -n /bin/true", (all & ~(uint64_t) CLONE_NEWPID) | CLONE_NEWUSER | CLONE_NEWNET,
                  CLONE_NEWCGROUP, REGISTER_NO },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(plan_fixture_done) PlanFixture f;

                plan_fixture_init(&f, INIT_SYSTEMD);
                f.host.environment = cases[i].environment;
                plan_fixture_plan(&f, cases[i].arguments);
                assert_int_equal(f.problems.n_fatal, 0);
                assert_int_equal(f.plan.namespaces, cases[i].born);
                assert_int_equal(f.plan.late_namespaces, cases[i].late);
                assert_int_equal(plan_register_mode(&f.settings, &f.host.environment), cases[i].mode);
        }
}

static void test_plan_excluded(void **state)
{
        static const struct { EnvironmentOptions environment; const char *arguments, *text; } cases[] = {
                { { .share_pid = true }, "-b", "--boot: An init needs its own PID" },
                { { .share_uts = true }, "-b", "SHARE_NS_PID" },
                { {}, "--share-system -b", "--share-system" },
                { { .api_vfs = API_VFS_WRITABLE }, "-b -U", "API_VFS_WRITABLE=yes" },
                { { .api_vfs = API_VFS_NETWORK }, "-b -U", "API_VFS_WRITABLE=network" },
        };
        static const struct { EnvironmentOptions environment; const char *arguments; } good[] = {
                { { .share_ipc = true, .share_cgroup = true }, "-b -U" },
                { { .api_vfs = API_VFS_WRITABLE }, "-b -n" },
                { { .api_vfs = API_VFS_NETWORK }, "-b -U -n" },
                { { .api_vfs = API_VFS_NETWORK }, "-b" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(plan_fixture_done) PlanFixture f;

                plan_fixture_init(&f, INIT_SYSTEMD);
                f.host.environment = cases[i].environment;
                plan_fixture_plan(&f, cases[i].arguments);
                assert_int_equal(f.problems.n_fatal, 1);
                assert_non_null(strstr(f.problems.items[f.problems.n - 1].text, cases[i].text));
        }
        for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
                _cleanup_(plan_fixture_done) PlanFixture f;

                plan_fixture_init(&f, INIT_SYSTEMD);
                f.host.environment = good[i].environment;
                plan_fixture_plan(&f, good[i].arguments);
                assert_int_equal(f.problems.n_fatal, 0);
        }
}

static void test_plan_reboot_of_the_host(void **state)
{
        _cleanup_(plan_fixture_done) PlanFixture f, asked;

        plan_fixture_init(&f, INIT_NONE);
        f.host.environment.share_pid = true;
        plan_fixture_plan(&f, "/bin/true");
        assert_false(f.plan.caps >> CAP_SYS_BOOT & 1);
        plan_fixture_init(&asked, INIT_NONE);
        asked.host.environment.share_pid = true;
        plan_fixture_plan(&asked, "--capability=CAP_SYS_BOOT /bin/true");
        assert_true(asked.plan.caps >> CAP_SYS_BOOT & 1);
}

/* ---- mounts that follow ------------------------------------------------------------------------------------- */

static void test_plan_mounts_of_shared_namespaces(void **state)
{
        _cleanup_(plan_fixture_done) PlanFixture f, own;

        plan_fixture_init(&own, INIT_NONE);
        plan_fixture_plan(&own, "-U /bin/true");
        assert_int_equal(plan_fixture_mount(&own, "/dev/mqueue")->namespace, MOUNT_NAMESPACE_IPC);
        assert_int_equal(plan_fixture_mount(&own, "/proc")->namespace, MOUNT_NAMESPACE_PID);
        assert_string_equal(plan_fixture_mount(&own, "/sys/fs/cgroup")->fstype, "cgroup2");

        plan_fixture_init(&f, INIT_NONE);
        f.host.environment = (EnvironmentOptions) { .share_ipc = true, .share_pid = true, .share_cgroup = true };
        plan_fixture_plan(&f, "-U /bin/true");
        assert_int_equal(plan_fixture_mount(&f, "/dev/mqueue")->namespace, MOUNT_NAMESPACE_NONE);
        assert_int_equal(plan_fixture_mount(&f, "/proc")->namespace, MOUNT_NAMESPACE_NONE);
        assert_int_equal(plan_fixture_mount(&f, "/sys/fs/cgroup")->kind, MOUNT_BIND);
        assert_int_equal(plan_fixture_mount(&f, "/sys/fs/cgroup")->source_kind, MOUNT_SOURCE_OWN_CGROUP);
        for (size_t i = 0; i < f.plan.mounts.n; i++)
                if (f.plan.mounts.ops[i].fstype)
                        assert_string_not_equal(f.plan.mounts.ops[i].fstype, "cgroup2");
}

static void test_plan_api_vfs(void **state)
{
        _cleanup_(plan_fixture_done) PlanFixture host, all, all_private, network;

        plan_fixture_init(&host, INIT_NONE);
        plan_fixture_plan(&host, "/bin/true");
        assert_non_null(plan_fixture_mount(&host, "/proc/sys"));
        assert_null(plan_fixture_mount(&host, "/proc/sys/net"));
        assert_non_null(plan_fixture_mount(&host, "/tmp"));
        assert_true(plan_fixture_mount(&host, "/sys")->attrs & MOUNT_ATTR_RDONLY);

        plan_fixture_init(&all, INIT_NONE);
        all.host.environment = (EnvironmentOptions) { .api_vfs = API_VFS_WRITABLE, .no_tmpfs_tmp = true };
        plan_fixture_plan(&all, "/bin/true");
        assert_null(plan_fixture_mount(&all, "/proc/sys"));
        assert_null(plan_fixture_mount(&all, "/proc/kcore"));
        assert_null(plan_fixture_mount(&all, "/tmp"));
        assert_non_null(plan_fixture_mount(&all, "/proc/sys/kernel/random/boot_id"));
        assert_false(plan_fixture_mount(&all, "/sys")->attrs & MOUNT_ATTR_RDONLY);
        assert_string_equal(plan_fixture_mount(&all, "/sys")->fstype, "sysfs");

        plan_fixture_init(&all_private, INIT_NONE);
        all_private.host.environment.api_vfs = API_VFS_WRITABLE;
        plan_fixture_plan(&all_private, "-n /bin/true");
        assert_string_equal(plan_fixture_mount(&all_private, "/sys")->fstype, "tmpfs");
        assert_false(plan_fixture_mount(&all_private, "/sys/class")->attrs & MOUNT_ATTR_RDONLY);

        plan_fixture_init(&network, INIT_NONE);
        network.host.environment.api_vfs = API_VFS_NETWORK;
        plan_fixture_plan(&network, "/bin/true");
        assert_true(plan_fixture_mount(&network, "/proc/sys/net")->attrs_clear & MOUNT_ATTR_RDONLY);
        assert_string_equal(plan_fixture_mount(&network, "/sys")->fstype, "tmpfs");
}

static void test_plan_other_variables(void **state)
{
        _cleanup_(plan_fixture_done) PlanFixture f;

        plan_fixture_init(&f, INIT_SYSTEMD);
        f.tree.has_os_release = false;
        f.host.environment = (EnvironmentOptions) { .no_os_release_check = true, .container_service = "lxc" };
        plan_fixture_plan(&f, "-b");
        assert_int_equal(f.problems.n_fatal, 0);
        assert_string_equal(strv_env_get(f.plan.env, "container"), "lxc");
}

/* ---- ids ---------------------------------------------------------------------------------------------------- */

static void test_plan_id_map(void **state)
{
        static const struct {
                const char *map;
                uid_t tree_owner;
                uid_t first, owner, tty;
                bool idmapped;
        } cases[] = {
                { "0:700000:65536", 0, 0, 700000, 700005, true },
                { "0:700000:65536", 700000, 0, 700000, 700005, false },
                { "0:700000:65536", 1000, 0, 700000, 700005, true },
                { "0:700000:5", 0, 0, 700000, 700000, true },           /* no group 5 */
                { "5:5000:1 0:1000:1", 0, 0, 1000, 5000, true },
                { "0:0:65536", 0, 0, 0, 5, false },                     /* nothing to map */
                { "0:0:1 1:100001:65535", 0, 0, 0, 100005, true },
                { "42:1000:1", 0, 42, 1000, 1000, true },               /* a stock tree: its user 42 */
                { "42:1000:1", 1000, 42, 1000, 1000, false },           /* one that the user has unpacked */
                { "42:1000:1", 42, 42, 1000, 1000, true },
                { "42:1000:1 7:2000:10", 0, 42, 1000, 1000, true },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(plan_fixture_done) PlanFixture f;

                plan_fixture_init(&f, INIT_NONE);
                f.tree.owner_uid = cases[i].tree_owner;
                set(&f, SETTING_ID_MAP, cases[i].map);
                plan_fixture_plan(&f, "/bin/true");
                assert_int_equal(f.problems.n_fatal, 0);
                assert_true(f.plan.userns && f.plan.namespaces & CLONE_NEWUSER);
                assert_int_equal(f.plan.first_id, cases[i].first);
                assert_int_equal(f.plan.owner, cases[i].owner);
                assert_int_equal(f.plan.tty_gid, cases[i].tty);
                assert_int_equal(f.plan.idmap_tree, cases[i].idmapped);
        }
}

/* Trees of systemd's foreign range are mapped from there; no machine runs with its ids. */
static void test_plan_foreign_tree(void **state)
{
        static const struct {
                const char *arguments;
                uid_t tree_owner;
                bool foreign;
                const char *problem;
        } cases[] = {
                { "-U /bin/true", 2147352576, true, NULL },
                { "-U /bin/true", 2147353576, true, NULL },
                { "-U --private-users-ownership=map /bin/true", 2147352576, true, NULL },
                { "-U --private-users-ownership=foreign /bin/true", 2147352576, true, NULL },
                { "-U --private-users-ownership=off /bin/true", 2147352576, false, NULL },
                { "-U --private-users-ownership=foreign /bin/true", 0, false, "belongs to the ids from 0 on, not to those of" },
                { "-U /bin/true", 0, false, NULL },
                { "-U /bin/true", 2147418112, false, "belongs to the ids from 2147418112 on" },
                { "/bin/true", 2147352576, false, NULL },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(plan_fixture_done) PlanFixture f;

                plan_fixture_init(&f, INIT_NONE);
                f.tree.owner_uid = cases[i].tree_owner;
                plan_fixture_plan(&f, cases[i].arguments);
                assert_int_equal(f.problems.n_fatal, cases[i].problem != NULL);
                if (cases[i].problem) {
                        assert_non_null(strstr(f.problems.items[0].text, cases[i].problem));
                        continue;
                }
                assert_int_equal(f.plan.foreign_tree, cases[i].foreign);
                assert_int_equal(f.plan.mounts.ops[0].id_map == MOUNT_IDMAP_FOREIGN, cases[i].foreign);
        }
}

static void test_plan_id_map_problems(void **state)
{
        static const struct { const char *map; uid_t tree_owner; const char *arguments, *text; } cases[] = {
                { "42:1000:1", 0, "-b", "gentoo.nspawn:1: IdMap= has no id 0, which Boot= needs" },
                { "0:700000:65536", 0x20000000, "-b", "belongs to the ids from 536870912 on" },
                { "0:700000:65536", 700000, "-b --private-users-ownership=map", "already: nothing to map" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(plan_fixture_done) PlanFixture f;

                plan_fixture_init(&f, INIT_SYSTEMD);
                f.tree.owner_uid = cases[i].tree_owner;
                set(&f, SETTING_ID_MAP, cases[i].map);
                plan_fixture_plan(&f, cases[i].arguments);
                assert_int_equal(f.problems.n_fatal, 1);
                assert_non_null(strstr(f.problems.items[0].text, cases[i].text));
        }
}

/* box's own profile is a default for hosts that have it loaded. What the settings name must be there. */
static void test_plan_apparmor(void **state)
{
        static const struct {
                ApparmorState host;
                const char *profile, *nesting, *wanted;
                bool optional;
                EnvironmentOptions environment;
        } cases[] = {
                { APPARMOR_LOADED, NULL, "no", "box-machine", true },
                { APPARMOR_LOADED, NULL, "yes", "box-machine-nesting", true },
                { APPARMOR_MISSING, NULL, "no", NULL, false },
                { APPARMOR_UNUSED, NULL, "yes", NULL, false },
                { APPARMOR_OFF, NULL, "no", NULL, false },
                { APPARMOR_LOADED, "unconfined", "yes", NULL, false },
                { APPARMOR_OFF, "unconfined", "no", NULL, false },
                { APPARMOR_LOADED, "web", "yes", "web", false },
                { APPARMOR_OFF, "web", "no", "web", false },
                { APPARMOR_MISSING, "-web", "no", "web", true },
                { APPARMOR_LOADED, ":box:unconfined", "no", ":box:unconfined", false },
                { APPARMOR_LOADED, "", "no", "box-machine", true },
                { APPARMOR_LOADED, NULL, "no", NULL, false, { .share_pid = true } },
                { APPARMOR_LOADED, NULL, "yes", NULL, false, { .api_vfs = API_VFS_WRITABLE } },
                { APPARMOR_LOADED, NULL, "no", "box-machine", true, { .share_ipc = true, .api_vfs = API_VFS_NETWORK } },
                { APPARMOR_LOADED, "web", "no", "web", false, { .api_vfs = API_VFS_WRITABLE } },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(plan_fixture_done) PlanFixture f;

                plan_fixture_init(&f, INIT_SYSTEMD);
                f.host.apparmor = cases[i].host;
                f.host.environment = cases[i].environment;
                if (cases[i].profile)
                        set(&f, SETTING_APPARMOR_PROFILE, cases[i].profile);
                set(&f, SETTING_NESTING, cases[i].nesting);
                plan_fixture_plan(&f, "/bin/true");
                assert_int_equal(f.problems.n, 0);
                assert_int_equal(f.plan.apparmor_optional, cases[i].optional);
                if (cases[i].wanted)
                        assert_string_equal(f.plan.apparmor_profile, cases[i].wanted);
                else
                        assert_null(f.plan.apparmor_profile);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_plan_init),
                cmocka_unit_test(test_plan_init_missing),
                cmocka_unit_test(test_plan_start_timeout),
                cmocka_unit_test(test_plan_stop),
                cmocka_unit_test(test_plan_shared_namespaces),
                cmocka_unit_test(test_plan_apparmor),
                cmocka_unit_test(test_plan_excluded),
                cmocka_unit_test(test_plan_reboot_of_the_host),
                cmocka_unit_test(test_plan_mounts_of_shared_namespaces),
                cmocka_unit_test(test_plan_api_vfs),
                cmocka_unit_test(test_plan_other_variables),
                cmocka_unit_test(test_plan_id_map),
                cmocka_unit_test(test_plan_foreign_tree),
                cmocka_unit_test(test_plan_id_map_problems),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
