/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Every mode of ResolvConf= and Timezone=, and what auto comes to on which host. */

#include "test.h"

#include "plan/host-files-plan.h"

typedef struct Case {
        Settings s;
        HostFiles f;
        MountPlan mounts;
        TreeEdits edits;
        Problems problems;
} Case;

static void plan(Case *c, bool private_network)
{
        assert_int_equal(host_files_plan_make(&c->s, &c->f, private_network, &c->mounts, &c->edits, &c->problems), 0);
}

static void done(Case *c)
{
        mount_plan_done(&c->mounts);
        tree_edits_done(&c->edits);
        problems_done(&c->problems);
}

/* Each file of the host says what it is. */
static Case resolv_case(ResolvConf mode)
{
        Case c = {
                .f.resolv = {
                        [RESOLV_FILE_HOST] = { (char *) "host", 4 },
                        [RESOLV_FILE_STATIC] = { (char *) "static", 6 },
                        [RESOLV_FILE_UPLINK] = { (char *) "uplink", 6 },
                        [RESOLV_FILE_STUB] = { (char *) "stub", 4 },
                },
        };

        settings_init(&c.s);
        c.s.boot = YES;
        c.s.resolv_conf = mode;
        c.s.timezone = TIMEZONE_OFF;
        return c;
}

static void test_resolv_conf_modes(void **state)
{
        static const char *const contents[] = { "host", "static", "uplink", "stub" };

        for (int m = RESOLV_CONF_COPY_HOST; m <= RESOLV_CONF_REPLACE_STUB; m++) {
                Case c = resolv_case((ResolvConf) m);
                bool replace = m >= RESOLV_CONF_REPLACE_HOST;

                plan(&c, /* private_network= */ true);
                assert_int_equal(c.edits.n, 1);
                assert_int_equal(c.edits.items[0].kind, replace ? TREE_EDIT_REPLACE : TREE_EDIT_WRITE);
                assert_string_equal(c.edits.items[0].path, "/etc/resolv.conf");
                assert_string_equal(c.edits.items[0].content, contents[(m - RESOLV_CONF_COPY_HOST) % 4]);
                assert_int_equal(c.mounts.n, 0);
                done(&c);
        }
        for (int m = RESOLV_CONF_BIND_HOST; m <= RESOLV_CONF_BIND_STUB; m++) {
                Case c = resolv_case((ResolvConf) m);

                plan(&c, /* private_network= */ true);
                assert_int_equal(c.edits.n, 0);
                assert_int_equal(c.mounts.n, 1);
                assert_string_equal(c.mounts.ops[0].source, resolv_file_path((ResolvFile) (m - RESOLV_CONF_BIND_HOST)));
                assert_string_equal(c.mounts.ops[0].dest, "/etc/resolv.conf");
                done(&c);
        }
}

/* A link in the tree into /run leads to nothing where no init runs that would fill it. */
static void test_resolv_conf_without_init(void **state)
{
        static const struct { ResolvConf mode; size_t n; } cases[] = {
                { RESOLV_CONF_COPY_HOST, 2 }, { RESOLV_CONF_COPY_UPLINK, 2 }, { RESOLV_CONF_REPLACE_HOST, 1 },
                { RESOLV_CONF_BIND_HOST, 0 }, { RESOLV_CONF_DELETE, 1 }, { RESOLV_CONF_OFF, 0 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                Case c = resolv_case(cases[i].mode);

                c.s.boot = NO;
                plan(&c, /* private_network= */ true);
                assert_int_equal(c.edits.n, cases[i].n);
                if (cases[i].n == 2) {
                        assert_int_equal(c.edits.items[0].kind, TREE_EDIT_WRITE);
                        assert_int_equal(c.edits.items[1].kind, TREE_EDIT_FILL);
                        assert_string_equal(c.edits.items[1].content, c.edits.items[0].content);
                }
                done(&c);
        }
}

static void test_resolv_conf_auto(void **state)
{
        static const struct {
                bool private, stub, listens, host, read_only;
                TreeEditKind kind;
                const char *content, *mount;
        } cases[] = {
                { .private = true, .stub = true, .listens = true, .host = true },
                { .stub = true, .listens = true, .host = true, .kind = TREE_EDIT_WRITE, .content = "stub" },
                { .stub = true, .listens = true, .host = true, .read_only = true,
                  .mount = "/run/systemd/resolve/stub-resolv.conf" },
                { .stub = true, .host = true, .kind = TREE_EDIT_WRITE, .content = "host" },
                { .stub = true, .host = true, .read_only = true, .mount = "/etc/resolv.conf" },
                { .stub = true, .kind = TREE_EDIT_REMOVE },
                { .read_only = true },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                Case c = resolv_case(RESOLV_CONF_AUTO);

                c.f.stub_listens = cases[i].listens;
                if (!cases[i].stub)
                        c.f.resolv[RESOLV_FILE_STUB].data = NULL;
                if (!cases[i].host)
                        c.f.resolv[RESOLV_FILE_HOST].data = NULL;
                c.s.read_only = cases[i].read_only ? YES : UNSET;
                plan(&c, cases[i].private);
                assert_int_equal(c.edits.n, cases[i].content || cases[i].kind == TREE_EDIT_REMOVE);
                if (c.edits.n > 0)
                        assert_int_equal(c.edits.items[0].kind, cases[i].kind);
                if (cases[i].content)
                        assert_string_equal(c.edits.items[0].content, cases[i].content);
                assert_int_equal(c.mounts.n, cases[i].mount != NULL);
                if (cases[i].mount)
                        assert_string_equal(c.mounts.ops[0].source, cases[i].mount);
                assert_int_equal(c.problems.n, 0);
                done(&c);
        }
}

static void test_resolv_conf_missing_is_warned_of(void **state)
{
        static const ResolvConf modes[] = { RESOLV_CONF_COPY_UPLINK, RESOLV_CONF_REPLACE_UPLINK, RESOLV_CONF_BIND_UPLINK };

        for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
                Case c = resolv_case(modes[i]);

                c.f.resolv[RESOLV_FILE_UPLINK].data = NULL;
                plan(&c, false);
                assert_int_equal(c.edits.n + c.mounts.n, 0);
                assert_int_equal(c.problems.n, 1);
                assert_int_equal(c.problems.n_fatal, 0);
                assert_non_null(strstr(c.problems.items[0].text, "/run/systemd/resolve/resolv.conf"));
                done(&c);
        }
}

static void test_timezone(void **state)
{
        enum { NOTHING, LINK, REPLACE, REMOVE, BIND };
        static const struct { Timezone mode; bool link, zone, in_tree, file, read_only; int what; bool warned; } cases[] = {
                /* what auto comes to */
                { TIMEZONE_AUTO, .link = true, .zone = true, .in_tree = true, .what = LINK },
                { TIMEZONE_AUTO, .link = true, .zone = true, .file = true, .what = BIND },
                { TIMEZONE_AUTO, .link = true, .zone = true, .in_tree = true, .file = true, .read_only = true, .what = BIND },
                { TIMEZONE_AUTO, .link = true, .what = NOTHING },
                { TIMEZONE_AUTO, .file = true, .what = REPLACE },
                { TIMEZONE_AUTO, .file = true, .read_only = true, .what = BIND },
                { TIMEZONE_AUTO, .what = REMOVE },
                { TIMEZONE_AUTO, .read_only = true, .what = NOTHING },
                /* as asked */
                { TIMEZONE_OFF, .link = true, .zone = true, .in_tree = true, .what = NOTHING },
                { TIMEZONE_COPY, .link = true, .zone = true, .in_tree = true, .file = true, .what = REPLACE },
                { TIMEZONE_COPY, .what = NOTHING, .warned = true },
                { TIMEZONE_BIND, .link = true, .file = true, .what = BIND },
                { TIMEZONE_BIND, .what = NOTHING, .warned = true },
                { TIMEZONE_SYMLINK, .link = true, .zone = true, .in_tree = true, .what = LINK },
                { TIMEZONE_SYMLINK, .link = true, .zone = true, .file = true, .what = BIND },
                { TIMEZONE_SYMLINK, .file = true, .what = NOTHING, .warned = true },
                { TIMEZONE_DELETE, .link = true, .zone = true, .what = REMOVE },
        };
        static const TreeEditKind kinds[] = {
                [LINK] = TREE_EDIT_LINK, [REPLACE] = TREE_EDIT_REPLACE, [REMOVE] = TREE_EDIT_REMOVE,
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                Case c = {};

                settings_init(&c.s);
                c.s.timezone = cases[i].mode;
                c.s.resolv_conf = RESOLV_CONF_OFF;
                c.s.read_only = cases[i].read_only ? YES : UNSET;
                c.f.localtime_is_link = cases[i].link;
                c.f.zone = cases[i].zone ? (char *) "Europe/Berlin" : NULL;
                c.f.tree_has_zone = cases[i].in_tree;
                if (cases[i].file)
                        c.f.localtime = (HostFile) { (char *) "TZif\0x", 6 };
                plan(&c, false);

                assert_int_equal(c.edits.n, cases[i].what != NOTHING && cases[i].what != BIND);
                assert_int_equal(c.mounts.n, cases[i].what == BIND);
                assert_int_equal(c.problems.n, cases[i].warned);
                if (c.edits.n > 0)
                        assert_int_equal(c.edits.items[0].kind, kinds[cases[i].what]);
                if (cases[i].what == LINK)
                        assert_string_equal(c.edits.items[0].content, "../usr/share/zoneinfo/Europe/Berlin");
                if (cases[i].what == REPLACE)
                        assert_memory_equal(c.edits.items[0].content, "TZif\0x", 6);
                done(&c);
        }
}

/* The mounts on "/" decide whether a file can be written to /etc. */
static void test_etc_writable(void **state)
{
        static const struct { Volatile mode; Tristate read_only; bool writable; } cases[] = {
                { VOLATILE_NO, UNSET, true }, { VOLATILE_NO, YES, false }, { VOLATILE_YES, UNSET, true },
                { VOLATILE_YES, YES, true }, { VOLATILE_OVERLAY, YES, true }, { VOLATILE_STATE, UNSET, false },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                Settings s;

                settings_init(&s);
                s.volatile_mode = cases[i].mode;
                s.read_only = cases[i].read_only;
                assert_int_equal(settings_etc_writable(&s), cases[i].writable);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_resolv_conf_modes),
                cmocka_unit_test(test_resolv_conf_without_init),
                cmocka_unit_test(test_resolv_conf_auto),
                cmocka_unit_test(test_resolv_conf_missing_is_warned_of),
                cmocka_unit_test(test_timezone),
                cmocka_unit_test(test_etc_writable),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
