/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tree-fixture.h"

#include "plan/journal-plan.h"

#define ID "0123456789abcdef0123456789abcdef"
#define HOST "fedcba9876543210fedcba9876543210"

static const JournalMachine machine = { .name = "m", .owner = 524288 };

/* The result of a mode. */
enum { NOTHING, LINK, BIND, MAKE_AND_BIND, USE_LINK, REFUSED };

static void check(LinkJournal mode, const JournalInput *base, int what)
{
        static const JournalAction ways[] = {
                [NOTHING] = JOURNAL_OFF, [LINK] = JOURNAL_CREATE_LINK, [BIND] = JOURNAL_KEEP,
                [MAKE_AND_BIND] = JOURNAL_CREATE_DIRECTORY, [USE_LINK] = JOURNAL_KEEP, [REFUSED] = JOURNAL_OFF,
        };
        _cleanup_(problems_done) Problems problems = {};
        _cleanup_(journal_plan_done) JournalPlan p = {};
        _cleanup_(mount_plan_done) MountPlan mounts = {};
        _cleanup_(tree_edits_done) TreeEdits edits = {};
        JournalInput in = *base;
        Settings s = *base->settings;

        s.link_journal = mode;
        in.settings = &s;
        assert_int_equal(journal_plan_make(&in, &p, &mounts, &edits, &problems), 0);
        assert_int_equal(p.action, ways[what]);
        assert_int_equal(problems.n_fatal, what == REFUSED);
        assert_int_equal(mounts.n, what == BIND || what == MAKE_AND_BIND);
        assert_int_equal(edits.n, what == LINK || what == USE_LINK);
        if (mounts.n > 0) {
                assert_string_equal(mounts.ops[0].source, "/var/log/journal/" ID);
                assert_string_equal(mounts.ops[0].dest, "/var/log/journal/" ID);
                assert_int_equal(mounts.ops[0].id_map, MOUNT_IDMAP_NONE);
        }
        if (edits.n > 0)
                assert_string_equal(edits.items[0].path, "/var/log/journal/" ID);
        if (what == LINK) {
                assert_string_equal(p.path, "/var/log/journal/" ID);
                assert_string_equal(p.target, "/tree/var/log/journal/" ID);
        }
}

static void test_modes(void **state)
{
        static const struct {
                JournalDirState state;
                const char *target;
                int guest, try_guest, host, try_host, automatic;
        } rows[] = {
                { JOURNAL_NOTHING, NULL, LINK, LINK, MAKE_AND_BIND, MAKE_AND_BIND, NOTHING },
                { JOURNAL_LINK, "/tree/var/log/journal/" ID, USE_LINK, USE_LINK, MAKE_AND_BIND, MAKE_AND_BIND, NOTHING },
                { JOURNAL_LINK, "/elsewhere", LINK, LINK, MAKE_AND_BIND, MAKE_AND_BIND, NOTHING },
                { JOURNAL_EMPTY_DIRECTORY, NULL, LINK, LINK, BIND, BIND, BIND },
                { JOURNAL_DIRECTORY, NULL, REFUSED, NOTHING, BIND, BIND, BIND },
                { JOURNAL_MOUNT, NULL, REFUSED, NOTHING, REFUSED, NOTHING, NOTHING },
                { JOURNAL_OTHER, NULL, REFUSED, NOTHING, REFUSED, NOTHING, NOTHING },
        };
        Settings s;

        settings_init(&s);
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                JournalFacts f = { .persistent = true, .state = rows[i].state, .target = (char *) rows[i].target };
                JournalInput in = {
                        .settings = &s, .facts = &f, .machine = &machine, .id = ID, .host_id = HOST, .root = "/tree",
                };

                check(LINK_JOURNAL_GUEST, &in, rows[i].guest);
                check(LINK_JOURNAL_TRY_GUEST, &in, rows[i].try_guest);
                check(LINK_JOURNAL_HOST, &in, rows[i].host);
                check(LINK_JOURNAL_TRY_HOST, &in, rows[i].try_host);
                /* A link into the tree stays in use: its directory is made, nothing on the host. */
                if (rows[i].state == JOURNAL_LINK && strcmp(rows[i].target, "/elsewhere") != 0) {
                        _cleanup_(problems_done) Problems problems = {};
                        _cleanup_(journal_plan_done) JournalPlan p = {};
                        _cleanup_(mount_plan_done) MountPlan mounts = {};
                        _cleanup_(tree_edits_done) TreeEdits edits = {};

                        assert_int_equal(journal_plan_make(&in, &p, &mounts, &edits, &problems), 0);
                        assert_int_equal(p.action, JOURNAL_OFF);
                        assert_int_equal(edits.n, 1);
                } else
                        check(LINK_JOURNAL_AUTO, &in, rows[i].automatic);
                check(LINK_JOURNAL_NO, &in, NOTHING);
        }
}

/* Where it cannot be done at all: an error for who insists, nothing for who tries. */
static void test_obstacles(void **state)
{
        JournalFacts f = { .persistent = true };
        Settings s;
        JournalInput in = { .settings = &s, .facts = &f, .machine = &machine, .id = ID, .host_id = ID, .root = "/tree" };

        settings_init(&s);
        check(LINK_JOURNAL_GUEST, &in, REFUSED);
        check(LINK_JOURNAL_TRY_GUEST, &in, NOTHING);
        in.host_id = HOST;
        f.persistent = false;
        check(LINK_JOURNAL_HOST, &in, REFUSED);
        check(LINK_JOURNAL_TRY_HOST, &in, NOTHING);

        f.persistent = true;
        in.boots_other = true;
        check(LINK_JOURNAL_GUEST, &in, LINK);
        check(LINK_JOURNAL_TRY_GUEST, &in, NOTHING);
        in.boots_other = false;
        s.read_only = YES;
        check(LINK_JOURNAL_GUEST, &in, REFUSED);
        check(LINK_JOURNAL_TRY_GUEST, &in, NOTHING);
        check(LINK_JOURNAL_TRY_HOST, &in, MAKE_AND_BIND);

        /* One writer's contradiction; another's last word. */
        s.read_only = UNSET;
        s.ephemeral = YES;
        s.from[SETTING_EPHEMERAL] = s.from[SETTING_LINK_JOURNAL] = (Source) { "/etc/x.nspawn", 3 };
        check(LINK_JOURNAL_TRY_GUEST, &in, REFUSED);
        check(LINK_JOURNAL_HOST, &in, REFUSED);
        check(LINK_JOURNAL_AUTO, &in, NOTHING);
        s.from[SETTING_LINK_JOURNAL] = (Source) { "--link-journal=", 0 };
        check(LINK_JOURNAL_HOST, &in, NOTHING);
}

/* Another machine of the same id runs: a warning that names both, and the machine starts without. */
static void test_holder(void **state)
{
        static const LinkJournal modes[] = {
                LINK_JOURNAL_GUEST, LINK_JOURNAL_TRY_GUEST, LINK_JOURNAL_HOST, LINK_JOURNAL_TRY_HOST, LINK_JOURNAL_AUTO,
        };
        JournalFacts f = { .persistent = true, .state = JOURNAL_DIRECTORY, .holder = (char *) "first" };
        Settings s;
        const JournalMachine second = { .name = "second" };
        JournalInput in = { .settings = &s, .facts = &f, .machine = &second, .id = ID, .host_id = HOST, .root = "/tree" };

        settings_init(&s);
        for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
                _cleanup_(problems_done) Problems problems = {};
                _cleanup_(journal_plan_done) JournalPlan p = {};
                _cleanup_(mount_plan_done) MountPlan mounts = {};
                _cleanup_(tree_edits_done) TreeEdits edits = {};

                check(modes[i], &in, NOTHING);
                s.link_journal = modes[i];
                assert_int_equal(journal_plan_make(&in, &p, &mounts, &edits, &problems), 0);
                assert_int_equal(problems.n, 1);
                assert_non_null(strstr(problems.items[0].text, "'second'"));
                assert_non_null(strstr(problems.items[0].text, "'first'"));
                assert_non_null(strstr(problems.items[0].text, "systemd-machine-id-setup --root=/tree"));
        }
        check(LINK_JOURNAL_NO, &in, NOTHING);
}

/* A directory that is there: whose it is, and what the machine's start does to it. */
static void test_directory(void **state)
{
        static const struct { JournalDirOwner owner; JournalAction action; bool moves, warns; } rows[] = {
                { { 1048576, "m", 1048576 }, JOURNAL_TAKE, true, false },
                { { 0, "m", 0 }, JOURNAL_TAKE, true, false },
                { { 524288, "", 0 }, JOURNAL_TAKE, false, false },
                { { 524288, "m", 524288 }, JOURNAL_KEEP, false, false },
                { { 0, "", 0 }, JOURNAL_KEEP, false, true },
                { { 1048576, "", 0 }, JOURNAL_KEEP, false, true },
                { { 1048576, "other", 1048576 }, JOURNAL_KEEP, false, true },
                { { 524288, "other", 1048576 }, JOURNAL_KEEP, false, false },
        };
        const IdMap map = { { { 0, 524288, 65536 } }, 1 };
        const JournalMachine m = { .name = "m", .owner = 524288, .uids = &map, .gids = &map };
        Settings s;

        settings_init(&s);
        for (size_t i = 0; i < 2 * ARRAY_SIZE(rows); i++) {
                JournalFacts f = { .persistent = true, .state = JOURNAL_DIRECTORY, .owner = rows[i / 2].owner };
                JournalInput in = { .settings = &s, .facts = &f, .machine = &m, .id = ID, .host_id = HOST, .root = "/tree" };
                _cleanup_(problems_done) Problems problems = {};
                _cleanup_(journal_plan_done) JournalPlan p = {};
                _cleanup_(mount_plan_done) MountPlan mounts = {};
                _cleanup_(tree_edits_done) TreeEdits edits = {};

                s.link_journal = i % 2 ? LINK_JOURNAL_AUTO : LINK_JOURNAL_HOST;
                assert_int_equal(journal_plan_make(&in, &p, &mounts, &edits, &problems), 0);
                assert_int_equal(p.action, rows[i / 2].action);
                assert_int_equal(p.moves, rows[i / 2].moves);
                assert_int_equal(problems.n, rows[i / 2].warns && i % 2 == 0);
                assert_int_equal(problems.n_fatal, 0);
                if (p.moves)
                        assert_int_equal(p.moved_to, 524288);
        }
}

static void test_wanted(void **state)
{
        JournalFacts f = { .persistent = true };
        Settings s;

        settings_init(&s);
        s.link_journal = LINK_JOURNAL_AUTO;
        assert_false(journal_is_wanted(&s, &f));
        f.state = JOURNAL_EMPTY_DIRECTORY;
        assert_true(journal_is_wanted(&s, &f));
        s.ephemeral = YES;
        assert_false(journal_is_wanted(&s, &f));
        s.ephemeral = UNSET;
        s.link_journal = LINK_JOURNAL_NO;
        assert_false(journal_is_wanted(&s, &f));
        s.link_journal = LINK_JOURNAL_TRY_GUEST;
        f.state = JOURNAL_NOTHING;
        assert_true(journal_is_wanted(&s, &f));
        f.persistent = false;
        assert_false(journal_is_wanted(&s, &f));
}

static JournalDirState look(const Tree *t, bool persistent, char **ret_target)
{
        char path[128];
        JournalFacts f = {};

        (void) snprintf(path, sizeof(path), "%s/journal", t->path);
        assert_int_equal(journal_facts_read(path, ID, &f), 0);
        assert_int_equal(f.persistent, persistent);
        free(*ret_target);
        *ret_target = f.target;
        return f.state;
}

static void test_facts(void **state)
{
        const Tree *t = *state;
        _cleanup_free_ char *target = NULL;

        assert_int_equal(look(t, false, &target), JOURNAL_NOTHING);
        assert_int_equal(mkdirat(t->fd, "journal", 0755), 0);
        assert_int_equal(look(t, true, &target), JOURNAL_NOTHING);
        tree_fixture_link(t, "journal/" ID, "/x/y");
        assert_int_equal(look(t, true, &target), JOURNAL_LINK);
        assert_string_equal(target, "/x/y");
        assert_int_equal(unlinkat(t->fd, "journal/" ID, 0), 0);
        assert_int_equal(mkdirat(t->fd, "journal/" ID, 0755), 0);
        assert_int_equal(look(t, true, &target), JOURNAL_EMPTY_DIRECTORY);
        tree_fixture_file(t, "journal/" ID "/system.journal", "");
        assert_int_equal(look(t, true, &target), JOURNAL_DIRECTORY);
        assert_int_equal(unlinkat(t->fd, "journal/" ID "/system.journal", 0), 0);
        assert_int_equal(unlinkat(t->fd, "journal/" ID, AT_REMOVEDIR), 0);
        tree_fixture_file(t, "journal/" ID, "");
        assert_int_equal(look(t, true, &target), JOURNAL_OTHER);
}

/* The host's part, and its undoing. */
static void test_do_and_undo(void **state)
{
        const Tree *t = *state;
        const JournalMachine me = { .name = "me", .owner = getuid() };
        char path[128], there[128] = "";
        JournalPlan p = { .action = JOURNAL_CREATE_LINK, .state = JOURNAL_NOTHING, .path = path, .target = (char *) "/tree/j" };
        Failure failure = {};

        (void) snprintf(path, sizeof(path), "%s/" ID, t->path);
        assert_int_equal(journal_do(&p, &me, &failure), 1);
        assert_true(readlinkat(t->fd, ID, there, sizeof(there) - 1) > 0);
        assert_string_equal(there, "/tree/j");

        p = (JournalPlan) { .action = JOURNAL_CREATE_DIRECTORY, .state = JOURNAL_LINK, .path = path };
        assert_int_equal(journal_do(&p, &me, &failure), 1);
        p = (JournalPlan) { .action = JOURNAL_CREATE_LINK, .state = JOURNAL_EMPTY_DIRECTORY, .path = path,
                            .target = (char *) "/x" };
        assert_int_equal(journal_do(&p, &me, &failure), 1);
        journal_undo(&p);
        assert_int_equal(faccessat(t->fd, ID, F_OK, AT_SYMLINK_NOFOLLOW), -1);

        assert_int_equal(symlinkat("/other/j", t->fd, ID), 0);
        p = (JournalPlan) { .action = JOURNAL_CREATE_LINK, .state = JOURNAL_LINK, .path = path, .target = (char *) "/x",
                            .replaced = (char *) "/other/j" };
        assert_int_equal(journal_do(&p, &me, &failure), 1);
        journal_undo(&p);
        assert_int_equal(readlinkat(t->fd, ID, there, sizeof(there) - 1), strlen("/other/j"));
        assert_int_equal(unlinkat(t->fd, ID, 0), 0);

        p = (JournalPlan) { .action = JOURNAL_KEEP, .path = path };
        assert_int_equal(journal_do(&p, &me, &failure), 0);
        assert_int_equal(failure.error, 0);
        p = (JournalPlan) { .action = JOURNAL_CREATE_LINK, .state = JOURNAL_LINK, .path = path, .target = (char *) "/x" };
        assert_int_equal(journal_do(&p, &me, &failure), -ENOENT);
        assert_non_null(strstr(failure.text, path));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_modes),
                cmocka_unit_test(test_obstacles),
                cmocka_unit_test(test_holder),
                cmocka_unit_test(test_directory),
                cmocka_unit_test(test_wanted),
                TREE_TEST(test_facts),
                TREE_TEST(test_do_and_undo),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
