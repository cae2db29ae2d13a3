/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "test.h"

#include <jansson.h>

#include "mount/mount-plan-internal.h"
#include "users/bind-user.h"

static HostUser alice = { (char *) "alice", 1000, 1001, (char *) "/home/alice", (char *) "$y$hash", {} };
static HostUser bob = { (char *) "bob", 1002, 1002, (char *) "/home/bob \"x\"", NULL, {} };

static void test_assign(void **state)
{
        _cleanup_(problems_done) Problems problems = {};
        HostUser many[64];
        HostUsers users = { many, 2, 0 };
        BindUser bound[64];

        for (size_t i = 0; i < ARRAY_SIZE(many); i++)
                many[i] = alice;
        assert_int_equal(bind_user_assign(&users, 65536, bound, &problems), 0);
        assert_int_equal(bound[0].id, 60514);
        assert_int_equal(bound[1].id, 60515);

        users.taken = 0x5;
        assert_int_equal(bind_user_assign(&users, 65536, bound, &problems), 0);
        assert_int_equal(bound[0].id, 60515);
        assert_int_equal(bound[1].id, 60517);

        users = (HostUsers) { many, 64, 0 };
        assert_int_equal(bind_user_assign(&users, 65536, bound, &problems), 0);
        assert_int_equal(bound[63].id, 60577);
        assert_int_equal(problems.n, 0);

        users.taken = UINT64_C(1) << 63;
        assert_int_equal(bind_user_assign(&users, 65536, bound, &problems), 0);
        assert_int_equal(problems.n_fatal, 1);
        users = (HostUsers) { many, 1, 0 };
        assert_int_equal(bind_user_assign(&users, 60514, bound, &problems), 0);
        assert_int_equal(problems.n_fatal, 2);
}

static void assert_map(const IdMap *map, const char *text)
{
        char buf[1024];

        assert_int_equal(id_map_format(map, buf, sizeof(buf)), 0);
        assert_string_equal(buf, text);
}

static void test_map(void **state)
{
        const BindUser users[] = { { &alice, 60514 }, { &bob, 60516 } };
        const IdMap whole = { .lines = { { 0, 524288, 65536 } }, .n = 1 };
        _cleanup_(problems_done) Problems problems = {};
        IdMap map = whole;

        assert_int_equal(bind_user_map(users, 2, /* gids= */ false, &map, &problems), 0);
        assert_map(&map, "0 524288 60514\n60514 1000 1\n60515 584803 1\n60516 1002 1\n60517 584805 5019\n");
        map = whole;
        assert_int_equal(bind_user_map(users, 1, /* gids= */ true, &map, &problems), 0);
        assert_map(&map, "0 524288 60514\n60514 1001 1\n60515 584803 5021\n");

        /* Nothing behind the last. */
        map = (IdMap) { .lines = { { 0, 524288, 60515 } }, .n = 1 };
        assert_int_equal(bind_user_map(users, 1, false, &map, &problems), 0);
        assert_map(&map, "0 524288 60514\n60514 1000 1\n");
        assert_int_equal(problems.n, 0);

        /* One id of the host cannot be two inside. */
        map = whole;
        assert_int_equal(bind_user_map((const BindUser[]) { { &alice, 60514 }, { &alice, 60515 } }, 2, true, &map, &problems), 0);
        assert_int_equal(problems.n_fatal, 1);
        map = (IdMap) { .lines = { { 0, 0, 65536 } }, .n = 1 };
        assert_int_equal(bind_user_map(users, 1, false, &map, &problems), 0);
        assert_int_equal(problems.n_fatal, 2);
}

static const NodeOp *find_node(const MountOp *op, const char *path)
{
        for (size_t i = 0; i < op->n_nodes; i++)
                if (strcmp(op->nodes[i].path, path) == 0)
                        return &op->nodes[i];
        return NULL;
}

static void assert_record(const MountOp *host, const char *path, mode_t mode, const char *text)
{
        const NodeOp *n = find_node(host, path);
        json_t *have, *want = json_loads(text, 0, NULL);

        assert_non_null(n);
        assert_int_equal(n->mode, mode);
        have = json_loads(n->text, 0, NULL);
        assert_non_null(have);
        assert_non_null(want);
        assert_true(json_equal(have, want));
        json_decref(have);
        json_decref(want);
}

static void test_shell_and_groups(void **state)
{
        static const MountRow row = { MOUNT_NEW, .fstype = "tmpfs", .dest = "/run/host" };
        StringSetting names[] = { { .value = (char *) "video" }, { .value = (char *) "wheel" } };
        const StringList groups = { names, 2 };
        HostUser carol = { (char *) "carol", 1003, 1003, (char *) "/home/carol", NULL, {}, (char *) "/bin/zsh", &groups };
        const BindUser users[] = { { &carol, 60514 } };
        _cleanup_(mount_plan_done) MountPlan p = {};

        assert_int_equal(mount_plan_add(&p, &row, NULL), 0);
        assert_int_equal(mount_plan_users(users, 1, &p), 0);
        assert_record(&p.ops[0], "userdb/carol.user", 0644,
                      "{\"userName\":\"carol\",\"uid\":60514,\"gid\":60514,\"homeDirectory\":\"/run/host/home/carol\","
                      "\"shell\":\"/bin/zsh\",\"memberOf\":[\"video\",\"wheel\"],\"service\":\"io.systemd.NSpawn\"}");
        assert_string_equal(find_node(&p.ops[0], "userdb/carol:video.membership")->text, "{}\n");
        assert_non_null(find_node(&p.ops[0], "userdb/carol:wheel.membership"));
}

static void test_mounts(void **state)
{
        static const MountRow row = { MOUNT_NEW, .fstype = "tmpfs", .dest = "/run/host" };
        const BindUser users[] = { { &alice, 60514 }, { &bob, 60515 } };
        _cleanup_(mount_plan_done) MountPlan p = {};
        const MountOp *host, *home;

        assert_int_equal(mount_plan_add(&p, &row, NULL), 0);
        assert_int_equal(mount_plan_users(users, 0, &p), 0);
        assert_int_equal(p.ops[0].n_nodes, 0);
        assert_int_equal(mount_plan_users(users, 2, &p), 0);
        assert_int_equal(p.n, 3);

        home = mount_plan_find(&p, "/run/host/home/alice");
        assert_non_null(home);
        assert_string_equal(home->source, "/home/alice");
        assert_true(home->flags & MOUNT_RECURSIVE);
        assert_int_equal(home->id_map, MOUNT_IDMAP_NONE);        /* the file has the user's ids already */

        host = mount_plan_find(&p, "/run/host");
        assert_non_null(find_node(host, "home/alice"));
        assert_record(host, "userdb/alice.user", 0644,
                      "{\"userName\":\"alice\",\"uid\":60514,\"gid\":60514,\"homeDirectory\":\"/run/host/home/alice\","
                      "\"service\":\"io.systemd.NSpawn\"}");
        assert_record(host, "userdb/alice.user-privileged", 0600,
                      "{\"privileged\":{\"hashedPassword\":[\"$y$hash\"]}}");
        assert_record(host, "userdb/bob.group", 0644,
                      "{\"groupName\":\"bob\",\"gid\":60515,\"service\":\"io.systemd.NSpawn\"}");
        assert_string_equal(find_node(host, "userdb/60515.user")->text, "bob.user");
        assert_null(find_node(host, "userdb/bob.user-privileged"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_assign),
                cmocka_unit_test(test_map),
                cmocka_unit_test(test_shell_and_groups),
                cmocka_unit_test(test_mounts),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
