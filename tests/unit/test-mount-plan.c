/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "test.h"

#include <linux/mount.h>

#include "plan-fixture.h"

static size_t position(const PlanFixture *f, const char *dest)
{
        const MountOp *op = plan_fixture_mount(f, dest);

        assert_non_null(op);
        return (size_t) (op - f->plan.mounts.ops);
}

/* Everything is mounted after what it lies on, and "/" comes first. */
static void test_mount_plan_make_order(void **state)
{
        _cleanup_(plan_fixture_done) PlanFixture f;

        plan_fixture_init(&f, INIT_SYSTEMD);
        plan_fixture_plan(&f, "-b -U -n --bind=/a:/srv/a/b --tmpfs=/srv/a --bind-ro=/c:/srv");
        assert_int_equal(f.problems.n, 0);
        assert_string_equal(f.plan.mounts.ops[0].dest, "/");
        assert_true(position(&f, "/srv") < position(&f, "/srv/a"));
        assert_true(position(&f, "/srv/a") < position(&f, "/srv/a/b"));
        assert_true(position(&f, "/dev") < position(&f, "/dev/pts"));
        assert_true(position(&f, "/dev/pts") < position(&f, "/dev/console"));
        assert_true(position(&f, "/run") < position(&f, "/run/host"));
        assert_true(position(&f, "/run/host") < position(&f, "/run/host/incoming"));
        assert_true(position(&f, "/proc/sys") < position(&f, "/proc/sys/net"));
        assert_true(position(&f, "/run/host") < position(&f, "/proc/kmsg"));
}

/* What root of the machine can undo is attached after all else: so not where a mount of a setting lies on, in or below it. */
static void test_mount_plan_make_unlocked(void **state)
{
        static const struct {
                const char *arguments, *dest;
                bool unlocked;
        } rows[] = {
                { "-b -U", "/", false },
                { "-b -U", "/proc", false },
                { "-b -U", "/proc/sys", true },
                { "-b -U", "/proc/kcore", true },
                { "-b -U", "/proc/kmsg", true },
                { "-b -U", "/proc/sys/kernel/random/boot_id", true },
                { "-b -U", "/sys", true },
                { "-b -U -n", "/sys", true },
                { "-b -U -n", "/proc/sys/net", true },
                { "-b -U -n", "/proc/sys", true },
                { "-b -U", "/run/host", false },
                { "-b -U", "/tmp", true },
                { "-b -U --bind=/a", "/tmp", false },
                { "-b -U", "/dev/console", false },
                { "-b -U --inaccessible=/proc/kcore", "/proc/kcore", false },
                { "-b -U -n --inaccessible=/proc/sys/kernel", "/proc/sys", false },
                { "-b -U -n --inaccessible=/proc/sys/kernel", "/proc/sys/kernel/random/boot_id", false },
                { "-b -U -n --inaccessible=/proc/sys/kernel", "/proc/sys/net", true },
                { "-b -U -n --inaccessible=/proc/sys/kernel", "/proc/bus", true },
                { "-b -U --bind=/a:/proc", "/proc/bus", false },
                { "-b -U --bind=/a:/process", "/proc/bus", true },
                { "-b -U --bind=/a:/sys/kernel/debug", "/sys", false },
                { "-b -U --tmpfs=/sys/kernel/debug", "/proc/sys", true },
                { "-b --private-network", "/proc/sys", false },
                { "-b", "/sys", false },
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_(plan_fixture_done) PlanFixture f;
                const MountOp *op;

                plan_fixture_init(&f, INIT_SYSTEMD);
                plan_fixture_plan(&f, rows[i].arguments);
                assert_int_equal(f.problems.n, 0);
                op = plan_fixture_mount(&f, rows[i].dest);
                assert_non_null(op);
                if (!!(op->flags & MOUNT_UNLOCKED) != rows[i].unlocked)
                        fail_msg("%s, %s: %s", rows[i].arguments, rows[i].dest, rows[i].unlocked ? "locked" : "unlocked");
        }
}

/* Nodes in trees and directories are not devices, whatever the options; those in /dev are. */
static void test_mount_plan_make_nodev(void **state)
{
        static const struct {
                const char *arguments, *dest;
                bool nodev;
        } rows[] = {
                { "-b -U", "/", true },
                { "-b -U", "/dev", false },
                { "-b -U", "/dev/pts", false },
                { "-b -U", "/dev/console", false },
                { "-b -U", "/dev/shm", true },
                { "-b -U --bind=/a", "/a", true },
                { "-b -U --bind-ro=/a", "/a", true },
                { "-b -U --bind=/a:/dev/a", "/dev/a", true },
                { "-b -U --bind=:/a", "/a", true },
                { "-b -U --bind=+/b:/a", "/a", true },
                { "-b -U --bind=/dev/dri", "/dev/dri", false },
                { "-b -U --bind=/dev:/a", "/a", false },
                { "-b -U --bind=/devices:/a", "/a", true },
                { "-b -U --bind=/srv/node:/a", "/a", false },
                { "-b -U --overlay=/a:/b:/c", "/c", true },
                { "-b -U --overlay-ro=/dev:/b:/c", "/c", true },
                { "-b -U --tmpfs=/a", "/a", true },
                { "-b -U --tmpfs=/a:dev", "/a", true },
                { "-b -U --tmpfs=/dev:dev", "/dev", true },
                { "-b -U -x", "/", true },
                { "-b -U --volatile", "/", true },
                { "-b -U --volatile", "/usr", true },
                { "-b -U --volatile=state", "/var", true },
                { "-b -U --volatile=overlay", "/", true },
                { "-b", "/", false },
                { "-b --bind=/a", "/a", false },
        };
        BoundDevice node = { .path = "/srv/node", .device = makedev(1, 3) };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_(plan_fixture_done) PlanFixture f;
                const MountOp *op;

                plan_fixture_init(&f, INIT_SYSTEMD);
                f.host.bound_devices = &node;
                f.host.n_bound_devices = 1;
                plan_fixture_plan(&f, rows[i].arguments);
                f.host.bound_devices = NULL;
                assert_int_equal(f.problems.n, 0);
                op = plan_fixture_mount(&f, rows[i].dest);
                assert_non_null(op);
                if (!!(op->attrs & MOUNT_ATTR_NODEV) != rows[i].nodev)
                        fail_msg("%s, %s: %s", rows[i].arguments, rows[i].dest, rows[i].nodev ? "devices" : "no devices");
        }
}

/* The shared tree of cgroups, whose own part is made writable later. */
static void test_mount_plan_make_unlocked_cgroup(void **state)
{
        _cleanup_(plan_fixture_done) PlanFixture f;
        size_t n = 0;

        plan_fixture_init(&f, INIT_NONE);
        f.host.environment = (EnvironmentOptions) { .share_cgroup = true };
        plan_fixture_plan(&f, "-U -n /bin/true");
        for (size_t i = 0; i < f.plan.mounts.n; i++) {
                const MountOp *op = &f.plan.mounts.ops[i];

                if (strcmp(op->dest, "/sys/fs/cgroup") != 0)
                        continue;
                assert_true(op->flags & (op->kind == MOUNT_CLONE ? MOUNT_UNLOCKED : MOUNT_LATE));
                n++;
        }
        assert_int_equal(n, 2);
}

static void test_mount_plan_make_id_map(void **state)
{
        _cleanup_(plan_fixture_done) PlanFixture f, own, none;

        plan_fixture_init(&f, INIT_SYSTEMD);
        plan_fixture_plan(&f, "-b -U --bind=/a --bind=/b:/b:idmap --bind=/c:/c:rootidmap --bind=/d:/d:owneridmap");
        assert_int_equal(plan_fixture_mount(&f, "/")->id_map, MOUNT_IDMAP_MACHINE);
        assert_int_equal(plan_fixture_mount(&f, "/a")->id_map, MOUNT_IDMAP_NONE);
        assert_int_equal(plan_fixture_mount(&f, "/b")->id_map, MOUNT_IDMAP_MACHINE);
        assert_int_equal(plan_fixture_mount(&f, "/c")->id_map, MOUNT_IDMAP_ROOT);
        assert_int_equal(plan_fixture_mount(&f, "/d")->id_map, MOUNT_IDMAP_OWNER);
        assert_non_null(strstr(plan_fixture_mount(&f, "/run")->options, "uid=524288,gid=524288"));

        /* A tree that systemd-nspawn gave to this range by chown is taken as it is. */
        plan_fixture_init(&own, INIT_SYSTEMD);
        own.tree.owner_uid = own.tree.owner_gid = 524288;
        plan_fixture_plan(&own, "-b -U");
        assert_int_equal(own.problems.n, 0);
        assert_int_equal(plan_fixture_mount(&own, "/")->id_map, MOUNT_IDMAP_NONE);

        plan_fixture_init(&none, INIT_SYSTEMD);
        plan_fixture_plan(&none, "-b --bind=/b:/b:idmap");
        assert_int_equal(plan_fixture_mount(&none, "/")->id_map, MOUNT_IDMAP_NONE);
        assert_int_equal(plan_fixture_mount(&none, "/b")->id_map, MOUNT_IDMAP_NONE);
}

static const char *plan_of(PlanFixture *f, const DiskLayout *disk, const char *arguments, const char *dest)
{
        const MountOp *op;

        plan_fixture_init(f, INIT_SYSTEMD);
        f->disk = disk;
        plan_fixture_plan(f, arguments);
        assert_int_equal(f->problems.n, 0);
        op = plan_fixture_mount(f, dest);
        return !op ? "none" : op->kind == MOUNT_OVERLAY ? "overlay" : op->kind == MOUNT_CLONE ? "tree" : "new";
}

/* Where "/" does not bring a disk image's other partitions along, they are steps of their own. */
static void test_mount_plan_make_disk(void **state)
{
        static const DiskLayout disk = {
                .parts = { { .role = PARTITION_ROOT, .dest = "/" }, { .role = PARTITION_USR, .dest = "/usr" },
                           { .role = PARTITION_HOME, .dest = "/home" } },
                .n = 3,
        };
        static const struct { const char *arguments, *root, *usr, *home; } cases[] = {
                { "-b -U", "tree", "none", "none" },
                { "-b -U --read-only", "tree", "none", "none" },
                { "-b -U --volatile=state", "tree", "none", "none" },
                { "-b -U --volatile=yes", "new", "tree", "tree" },
                { "-b -U --volatile=overlay", "overlay", "tree", "tree" },
                { "-b -U --ephemeral", "overlay", "overlay", "overlay" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                PlanFixture f;

                assert_string_equal(plan_of(&f, &disk, cases[i].arguments, "/"), cases[i].root);
                assert_true(plan_fixture_mount(&f, "/usr") == NULL || position(&f, "/usr") < position(&f, "/dev"));
                plan_fixture_done(&f);
                assert_string_equal(plan_of(&f, &disk, cases[i].arguments, "/usr"), cases[i].usr);
                plan_fixture_done(&f);
                assert_string_equal(plan_of(&f, &disk, cases[i].arguments, "/home"), cases[i].home);
                plan_fixture_done(&f);
                assert_string_equal(plan_of(&f, NULL, cases[i].arguments, "/home"), "none");
                plan_fixture_done(&f);
        }
}

static void test_mount_plan_make_network(void **state)
{
        _cleanup_(plan_fixture_done) PlanFixture host, own;

        plan_fixture_init(&host, INIT_SYSTEMD);
        plan_fixture_plan(&host, "-b");
        assert_null(plan_fixture_mount(&host, "/proc/sys/net"));
        assert_string_equal(plan_fixture_mount(&host, "/sys")->fstype, "sysfs");
        assert_true(plan_fixture_mount(&host, "/sys")->attrs & MOUNT_ATTR_RDONLY);

        plan_fixture_init(&own, INIT_SYSTEMD);
        plan_fixture_plan(&own, "-b --private-network");
        assert_true(plan_fixture_mount(&own, "/proc/sys/net")->attrs_clear & MOUNT_ATTR_RDONLY);
        assert_string_equal(plan_fixture_mount(&own, "/sys")->fstype, "tmpfs");
        assert_non_null(plan_fixture_mount(&own, "/sys/class"));
        assert_null(plan_fixture_mount(&own, "/sys/firmware"));
        assert_null(plan_fixture_mount(&own, "/sys/module"));
}

static void test_mount_plan_make_console(void **state)
{
        _cleanup_(plan_fixture_done) PlanFixture pty, pipe;

        plan_fixture_init(&pty, INIT_SYSTEMD);
        plan_fixture_plan(&pty, "-b");
        assert_non_null(plan_fixture_mount(&pty, "/dev/console"));
        plan_fixture_init(&pipe, INIT_SYSTEMD);
        plan_fixture_plan(&pipe, "-b --console=pipe");
        assert_null(plan_fixture_mount(&pipe, "/dev/console"));
}

static void test_mount_plan_make_bad_options(void **state)
{
        _cleanup_(plan_fixture_done) PlanFixture f;

        plan_fixture_init(&f, INIT_SYSTEMD);
        plan_fixture_plan(&f, "-b --tmpfs=/x:noauto --tmpfs=/y:nosuid,size=1m");
        assert_int_equal(f.problems.n_fatal, 1);
        assert_non_null(strstr(f.problems.items[0].text, "/x:noauto"));
        assert_true(plan_fixture_mount(&f, "/y")->attrs & MOUNT_ATTR_NOSUID);
        assert_non_null(strstr(plan_fixture_mount(&f, "/y")->options, "size=1m"));
        assert_null(strstr(plan_fixture_mount(&f, "/y")->options, "nosuid"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_mount_plan_make_order),
                cmocka_unit_test(test_mount_plan_make_unlocked),
                cmocka_unit_test(test_mount_plan_make_unlocked_cgroup),
                cmocka_unit_test(test_mount_plan_make_nodev),
                cmocka_unit_test(test_mount_plan_make_id_map),
                cmocka_unit_test(test_mount_plan_make_disk),
                cmocka_unit_test(test_mount_plan_make_network),
                cmocka_unit_test(test_mount_plan_make_console),
                cmocka_unit_test(test_mount_plan_make_bad_options),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
