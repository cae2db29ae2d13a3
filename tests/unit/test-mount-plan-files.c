/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The mounts on "/" and over the tree, by Volatile=, Ephemeral=, Overlay=, ReadOnly= and mounts on "/". */

#include "test.h"

#include <linux/mount.h>

#include "plan-fixture.h"

static void plan(PlanFixture *f, const char *arguments)
{
        plan_fixture_init(f, INIT_SYSTEMD);
        assert_int_equal(strv_extend(&f->tree.usr_links, "bin=usr/bin"), 0);
        assert_int_equal(strv_extend(&f->tree.usr_links, "lib64=usr/lib64"), 0);
        plan_fixture_plan(f, arguments);
}

static const MountOp *root(const PlanFixture *f)
{
        assert_string_equal(f->plan.mounts.ops[0].dest, "/");
        return &f->plan.mounts.ops[0];
}

static bool has_node(const MountOp *op, const char *path, const char *text)
{
        for (size_t i = 0; i < op->n_nodes; i++)
                if (strcmp(op->nodes[i].path, path) == 0)
                        return !text || strcmp(op->nodes[i].text, text) == 0;
        return false;
}

static size_t position(const PlanFixture *f, const char *dest)
{
        const MountOp *op = plan_fixture_mount(f, dest);

        assert_non_null(op);
        return (size_t) (op - f->plan.mounts.ops);
}

static void check_layer(const MountOp *op, size_t i, MountSourceKind kind, MountIdMap id_map)
{
        assert_true(i < op->n_layers);
        assert_int_equal(op->layers[i].source_kind, kind);
        assert_int_equal(op->layers[i].id_map, id_map);
}

static void test_tree(void **state)
{
        _cleanup_(plan_fixture_done) PlanFixture own, ro;

        plan(&own, "-b -U");
        assert_int_equal(root(&own)->kind, MOUNT_CLONE);
        assert_int_equal(root(&own)->flags, MOUNT_RECURSIVE);
        assert_int_equal(root(&own)->source_kind, MOUNT_SOURCE_TREE);
        assert_int_equal(root(&own)->id_map, MOUNT_IDMAP_MACHINE);
        assert_false(own.plan.mounts.read_only_root);
        plan(&ro, "-b --read-only");
        assert_true(ro.plan.mounts.read_only_root);
}

static void test_volatile_yes(void **state)
{
        _cleanup_(plan_fixture_done) PlanFixture f, split;

        /* ReadOnly= is about the tree: a root in memory can be written to all the same. */
        plan(&f, "-b -U --volatile --read-only --uuid=11111111111141118111111111111111");
        assert_int_equal(f.problems.n, 0);
        assert_int_equal(root(&f)->kind, MOUNT_NEW);
        assert_non_null(strstr(root(&f)->options, "uid=524288"));
        assert_true(has_node(root(&f), "bin", "usr/bin"));
        assert_true(has_node(root(&f), "lib64", "usr/lib64"));
        assert_true(has_node(root(&f), "etc", NULL));
        assert_false(f.plan.mounts.read_only_root);
        assert_int_equal(position(&f, "/usr"), 1);
        assert_int_equal(plan_fixture_mount(&f, "/usr")->flags, MOUNT_RECURSIVE);
        assert_int_equal(plan_fixture_mount(&f, "/usr")->source_kind, MOUNT_SOURCE_IN_TREE);
        assert_int_equal(plan_fixture_mount(&f, "/usr")->id_map, MOUNT_IDMAP_MACHINE);
        assert_true(plan_fixture_mount(&f, "/usr")->attrs & MOUNT_ATTR_RDONLY);

        plan_fixture_init(&split, INIT_SYSTEMD);
        split.tree.split_usr = true;
        plan_fixture_plan(&split, "-b --volatile=yes");
        assert_int_equal(split.problems.n_fatal, 1);
        assert_non_null(strstr(split.problems.items[0].text, "--volatile"));
        assert_non_null(strstr(split.problems.items[0].text, "/bin"));
}

/* A machine with an empty /etc does not use the files of the tree's /etc. */
static void test_volatile_yes_has_not_the_trees_id(void **state)
{
        static const char *const starts[] = { "-b --volatile --uuid=11111111111141118111111111111111",
                                              "-b --tmpfs=/ --uuid=11111111111141118111111111111111" };

        for (size_t i = 0; i < ARRAY_SIZE(starts); i++) {
                _cleanup_(plan_fixture_done) PlanFixture f;

                plan_fixture_init(&f, INIT_SYSTEMD);
                memcpy(f.tree.machine_id, "0123456789abcdef0123456789abcdef", 33);
                plan_fixture_plan(&f, starts[i]);
                assert_string_equal(f.plan.uuid, "11111111-1111-4111-8111-111111111111");
        }
}

static void test_volatile_state(void **state)
{
        _cleanup_(plan_fixture_done) PlanFixture f;

        plan(&f, "-b -U --volatile=state --bind=/data:/var/data");
        assert_int_equal(root(&f)->kind, MOUNT_CLONE);
        assert_true(f.plan.mounts.read_only_root);
        assert_string_equal(plan_fixture_mount(&f, "/var")->fstype, "tmpfs");
        assert_true(position(&f, "/var") < position(&f, "/var/data"));
}

static void test_volatile_overlay(void **state)
{
        _cleanup_(plan_fixture_done) PlanFixture f;

        plan(&f, "-b -U --volatile=overlay");
        assert_int_equal(root(&f)->kind, MOUNT_OVERLAY);
        assert_true(root(&f)->flags & MOUNT_TOP_WRITABLE);
        assert_int_equal(root(&f)->n_layers, 2);
        check_layer(root(&f), 0, MOUNT_SOURCE_TREE, MOUNT_IDMAP_MACHINE);
        check_layer(root(&f), 1, MOUNT_SOURCE_MEMORY, MOUNT_IDMAP_NONE);
        assert_non_null(strstr(root(&f)->options, "size=25%"));
        assert_false(f.plan.mounts.read_only_root);
}

static void test_ephemeral(void **state)
{
        _cleanup_(plan_fixture_done) PlanFixture f, ro, vol;

        plan(&f, "-b -x --bind=+/opt:/srv --bind-ro=+/usr/x:/x:idmap");
        assert_int_equal(f.problems.n, 0);
        assert_int_equal(root(&f)->kind, MOUNT_OVERLAY);
        check_layer(root(&f), 0, MOUNT_SOURCE_TREE, MOUNT_IDMAP_NONE);
        check_layer(root(&f), 1, MOUNT_SOURCE_BESIDE_TREE, MOUNT_IDMAP_NONE);
        /* Paths of the tree are paths of the copy. */
        assert_int_equal(plan_fixture_mount(&f, "/srv")->kind, MOUNT_BIND);
        assert_string_equal(plan_fixture_mount(&f, "/srv")->source, "/opt");
        assert_true(plan_fixture_mount(&f, "/x")->attrs & MOUNT_ATTR_RDONLY);

        plan(&ro, "-b -x --read-only");
        assert_int_equal(root(&ro)->kind, MOUNT_OVERLAY);
        assert_true(ro.plan.mounts.read_only_root);
        plan(&vol, "-b -x --volatile=state");
        assert_int_equal(root(&vol)->kind, MOUNT_OVERLAY);
        assert_true(vol.plan.mounts.read_only_root);
}

/* The original is never changed, by no way. */
static void test_ephemeral_refuses_what_changes_the_tree(void **state)
{
        static const char *const starts[] = {
                "-b -x --overlay=/low:+/up:/dest",
                "-b -x --volatile=yes --bind=+/srv",
                "-b -x --tmpfs=/ --bind=+/srv",
                "-b -x --bind=+/srv:/",
        };

        for (size_t i = 0; i < ARRAY_SIZE(starts); i++) {
                _cleanup_(plan_fixture_done) PlanFixture f;

                plan(&f, starts[i]);
                assert_int_equal(f.problems.n_fatal, 1);
                assert_non_null(strstr(f.problems.items[0].text, "--ephemeral"));
        }
}

/* What would lie on the machine's own cgroup file system, which is mounted later. */
static void test_control_groups_are_no_place_for_settings(void **state)
{
        static const struct { const char *arguments; unsigned fatal, all; } rows[] = {
                { "-b -U --inaccessible=/sys/fs/cgroup", 1, 1 },
                { "-b -U --inaccessible=/sys/fs/cgroup/cgroup.procs", 1, 1 },
                { "-b --inaccessible=/sys/fs/cgroup", 1, 1 },
                { "-b -U --tmpfs=/sys/fs/cgroup", 0, 1 },
                { "-b -U --inaccessible=/sys/fs/cgroups", 0, 0 },
                { "-b -U --inaccessible=/sys/fs", 0, 0 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_(plan_fixture_done) PlanFixture f;

                plan(&f, rows[i].arguments);
                assert_int_equal(f.problems.n_fatal, rows[i].fatal);
                assert_int_equal(f.problems.n, rows[i].all);
        }
}

static void test_template_is_not_for_a_while(void **state)
{
        _cleanup_(plan_fixture_done) PlanFixture f;

        plan(&f, "-b -x --template=/srv/template");
        assert_int_equal(f.problems.n_fatal, 1);
        assert_non_null(strstr(f.problems.items[0].text, "--template="));
}

static void test_custom_root(void **state)
{
        _cleanup_(plan_fixture_done) PlanFixture bind, tmpfs, both, pick, fixed;

        plan(&bind, "-b --bind-ro=/other:/ --bind-ro=+/usr:/usr");
        assert_int_equal(bind.problems.n, 0);
        assert_string_equal(root(&bind)->source, "/other");
        assert_true(bind.plan.mounts.read_only_root);
        assert_false(root(&bind)->attrs & MOUNT_ATTR_RDONLY);
        assert_true(has_node(root(&bind), "bin", "usr/bin"));
        assert_true(position(&bind, "/usr") > 0);

        plan(&tmpfs, "-b --tmpfs=/:size=1m --read-only");
        assert_int_equal(root(&tmpfs)->kind, MOUNT_NEW);
        assert_non_null(strstr(root(&tmpfs)->options, "size=1m"));
        assert_false(tmpfs.plan.mounts.read_only_root);
        assert_true(has_node(root(&tmpfs), "lib64", "usr/lib64"));

        /* The last mount on a path is the visible one. */
        plan(&both, "-b --tmpfs=/ --bind=/other:/");
        assert_int_equal(root(&both)->kind, MOUNT_NEW);

        plan(&pick, "-b -U --tmpfs=/");
        assert_int_equal(pick.problems.n_fatal, 1);
        assert_non_null(strstr(pick.problems.items[0].text, "--tmpfs="));
        assert_non_null(strstr(pick.problems.items[0].text, "-U chooses"));
        plan(&fixed, "-b --private-users=identity --tmpfs=/");
        assert_int_equal(fixed.problems.n, 0);
}

static void test_overlay(void **state)
{
        _cleanup_(plan_fixture_done) PlanFixture f, off;
        const MountOp *op;

        plan(&f, "-b -U --overlay=+/etc:/low::/mnt --overlay-ro=/a:/b");
        assert_int_equal(f.problems.n, 0);
        op = plan_fixture_mount(&f, "/mnt");
        assert_int_equal(op->kind, MOUNT_OVERLAY);
        assert_int_equal(op->flags, MOUNT_TOP_WRITABLE);
        assert_int_equal(op->n_layers, 3);
        check_layer(op, 0, MOUNT_SOURCE_IN_TREE, MOUNT_IDMAP_MACHINE);
        check_layer(op, 1, MOUNT_SOURCE_PATH, MOUNT_IDMAP_MACHINE);
        check_layer(op, 2, MOUNT_SOURCE_SCRATCH, MOUNT_IDMAP_NONE);

        op = plan_fixture_mount(&f, "/b");
        assert_int_equal(op->flags, 0);
        assert_int_equal(op->n_layers, 2);
        assert_true(op->attrs & MOUNT_ATTR_RDONLY);

        plan(&off, "-b -U --private-users-ownership=off --overlay=/low:/up");
        check_layer(plan_fixture_mount(&off, "/up"), 0, MOUNT_SOURCE_PATH, MOUNT_IDMAP_NONE);
}

/* By path, component by component; on one path as systemd-nspawn: bind mounts, tmpfs, overlays, masks. */
static void test_order(void **state)
{
        static const char *const want[] = { "/a", "/a/b", "/a-b", "/m", "/m", "/m", "/m" };
        static const MountKind kinds[] = { MOUNT_CLONE, MOUNT_CLONE, MOUNT_CLONE, MOUNT_CLONE, MOUNT_NEW, MOUNT_OVERLAY,
                                           MOUNT_BIND };
        _cleanup_(plan_fixture_done) PlanFixture f;
        const MountOp *ops;

        plan(&f, "-b --inaccessible=/m --overlay=/1:/2:/m --tmpfs=/m --bind=/x:/m --bind=/x:/a-b --bind=/x:/a/b --bind=/x:/a");
        ops = f.plan.mounts.ops + f.plan.mounts.n - ARRAY_SIZE(want);
        for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
                assert_string_equal(ops[i].dest, want[i]);
                assert_int_equal(ops[i].kind, kinds[i]);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_tree),
                cmocka_unit_test(test_volatile_yes),
                cmocka_unit_test(test_volatile_yes_has_not_the_trees_id),
                cmocka_unit_test(test_volatile_state),
                cmocka_unit_test(test_volatile_overlay),
                cmocka_unit_test(test_ephemeral),
                cmocka_unit_test(test_ephemeral_refuses_what_changes_the_tree),
                cmocka_unit_test(test_template_is_not_for_a_while),
                cmocka_unit_test(test_control_groups_are_no_place_for_settings),
                cmocka_unit_test(test_custom_root),
                cmocka_unit_test(test_overlay),
                cmocka_unit_test(test_order),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
