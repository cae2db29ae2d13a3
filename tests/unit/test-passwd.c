/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tree-fixture.h"

#include "image/passwd.h"

static const char passwd[] =
        "root:x:0:0:root:/root:/bin/bash\n"
        "# no line of the format\n"
        "halfline:x:1\n"
        "bad:x:-1:7:::\n"
        "none:x:65535:7:::\n"
        "none32:x:4294967295:7:::\n"
        "nogroup32:x:7:4294967295:::\n"
        "zero:x:4294967296:7:::\n"
        "nogroup:x:7:65535:::\n"
        "plus:x:+5:7:::\n"
        "blank:x: 5:7:::\n"
        "after:x:5 :7:::\n"
        "hex:x:0x10:7:::\n"
        "empty:x::7:::\n"
        "top32:x:4294967294:4294967294:::\n"
        "above16:x:65536:65536:::\n"
        "huge:x:99999999999999999999:7:::\n"
        "+::::::\n"
        "\n"
        "eight:x:7:7::/:/bin/sh:\n"
        "plain:x:1000:100:,,,:/home/plain:/bin/zsh\n"
        "bare:x:1001:100:::\n"
        "odd:x:1002:100::relative/home:sh\n"
        "evil:x:1003:100::/home/\033[2J:/bin/sh\n"
        "plain:x:0:0:a second one:/:/bin/sh\n"
        "last:x:1004:100::/home/last:/bin/sh";

static const char group[] =
        "root:x:0:\n"
        "users:x:100:plain\n"
        "wheel:x:10:other,plain,bare\n"
        "video:x:27:plain2,xplain\n"
        "broken:x:zero:plain\n"
        "none:x:4294967295:plain\n"
        "huge:x:4294967299:plain\n"
        "five:x:5:plain:\n"
        "nonsense\n"
        "audio:x:29:plain";

static void test_by_name(void **state)
{
        _cleanup_(machine_user_done) MachineUser u = { 0 };
        const Tree *t = *state;

        tree_fixture_file(t, "etc/passwd", passwd);
        tree_fixture_file(t, "etc/group", group);
        assert_int_equal(machine_user_read(t->fd, "plain", &u), 0);
        assert_string_equal(u.name, "plain");
        assert_int_equal(u.uid, 1000);
        assert_int_equal(u.gid, 100);
        assert_string_equal(u.home, "/home/plain");
        assert_string_equal(u.shell, "/bin/zsh");
        assert_int_equal(u.n_groups, 3);
        assert_int_equal(u.groups[0], 100);
        assert_int_equal(u.groups[1], 10);
        assert_int_equal(u.groups[2], 29);
}

static void test_by_number_and_defaults(void **state)
{
        _cleanup_(machine_user_done) MachineUser bare = { 0 }, odd = { 0 }, last = { 0 };
        const Tree *t = *state;

        tree_fixture_file(t, "etc/passwd", passwd);
        tree_fixture_file(t, "etc/group", group);
        assert_int_equal(machine_user_read(t->fd, "1001", &bare), 0);
        assert_string_equal(bare.name, "bare");
        assert_string_equal(bare.home, "/");
        assert_string_equal(bare.shell, "/bin/sh");
        assert_int_equal(bare.n_groups, 2);
        assert_int_equal(machine_user_read(t->fd, "odd", &odd), 0);
        assert_string_equal(odd.home, "/");
        assert_string_equal(odd.shell, "/bin/sh");
        assert_int_equal(machine_user_read(t->fd, "last", &last), 0);
        assert_int_equal(last.uid, 1004);
}

/* The greatest id, and the first that is no id of 16 bits. */
static void test_great_ids(void **state)
{
        static const struct { const char *name; uid_t id; } cases[] = {
                { "top32", UINT32_MAX - 1 }, { "4294967294", UINT32_MAX - 1 }, { "above16", UINT16_MAX + 1 },
                { "65536", UINT16_MAX + 1 },
        };
        const Tree *t = *state;

        tree_fixture_file(t, "etc/passwd", passwd);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(machine_user_done) MachineUser u = { 0 };

                assert_int_equal(machine_user_read(t->fd, cases[i].name, &u), 0);
                assert_int_equal(u.uid, cases[i].id);
                assert_int_equal(u.gid, cases[i].id);
        }
}

/* "UID:GID" is these two ids, and no group of the user's. */
static void test_by_ids(void **state)
{
        _cleanup_(machine_user_done) MachineUser known = { 0 }, unknown = { 0 };
        const Tree *t = *state;

        tree_fixture_file(t, "etc/passwd", passwd);
        tree_fixture_file(t, "etc/group", group);
        assert_int_equal(machine_user_read(t->fd, "1000:27", &known), 0);
        assert_string_equal(known.name, "plain");
        assert_string_equal(known.home, "/home/plain");
        assert_int_equal(known.uid, 1000);
        assert_int_equal(known.gid, 27);
        assert_int_equal(known.n_groups, 1);
        assert_int_equal(known.groups[0], 27);

        assert_int_equal(machine_user_read(t->fd, "7777:8888", &unknown), 0);
        assert_string_equal(unknown.name, "7777");
        assert_string_equal(unknown.home, "/");
        assert_int_equal(unknown.uid, 7777);
        assert_int_equal(unknown.groups[0], 8888);
}

static void test_refused(void **state)
{
        static const struct {
                const char *name;
                int error;
        } cases[] = {
                { "nobody-here", -ESRCH }, { "", -ESRCH }, { "plai", -ESRCH }, { "plain:x", -ESRCH }, { "1000:", -ESRCH },
                { ":100", -ESRCH }, { "1000:100:1", -ESRCH }, { "1000:65535", -ESRCH }, { "1:1\n", -ESRCH }, { "1005", -ESRCH },
                { "-1", -ESRCH }, { "4294967295", -ESRCH }, { "4294967295:100", -ESRCH },
                { "1000:4294967295", -ESRCH }, { "4294967296:100", -ESRCH }, { "1000:4294967296", -ESRCH },
                { "99999999999999999999", -ESRCH }, { "4294967296", -ESRCH }, { "../root", -ESRCH },
                { "# no line of the format", -ESRCH },
                { "halfline", -EBADMSG }, { "bad", -EBADMSG }, { "none", -EBADMSG }, { "none32", -EBADMSG },
                { "nogroup32", -EBADMSG }, { "nogroup", -EBADMSG }, { "plus", -EBADMSG }, { "blank", -EBADMSG },
                { "after", -EBADMSG }, { "hex", -EBADMSG }, { "empty", -EBADMSG }, { "-1:100", -ESRCH },
                { "1000:-1", -ESRCH }, { " 1000", -ESRCH }, { "+1000", -ESRCH }, { "1000 ", -ESRCH }, { "65535", -ESRCH },
                { "65535:100", -ESRCH }, { "0x3e8", -ESRCH }, { "zero", -EBADMSG }, { "huge", -EBADMSG }, { "+", -EBADMSG },
                { "eight", -EBADMSG }, { "evil", -EBADMSG },
                { "1003", -EBADMSG },
        };
        const Tree *t = *state;

        tree_fixture_file(t, "etc/passwd", passwd);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                MachineUser u = { 0 };
                int r = machine_user_read(t->fd, cases[i].name, &u);

                if (r != cases[i].error)
                        fail_msg("'%s' gave %d", cases[i].name, r);
                assert_null(u.name);
        }
}

static void test_no_files(void **state)
{
        _cleanup_(machine_user_done) MachineUser u = { 0 };
        const Tree *t = *state;

        assert_int_equal(machine_user_read(t->fd, "root", &u), 0);
        assert_int_equal(u.uid, 0);
        assert_string_equal(u.home, "/root");
        assert_int_equal(u.n_groups, 1);
        assert_int_equal(machine_user_read(t->fd, "daemon", &u), -ESRCH);
}

static void test_files_that_are_none(void **state)
{
        MachineUser u = { 0 };
        const Tree *t = *state;

        /* The host's own files are never read: a link is followed inside the tree, where nothing is. */
        tree_fixture_link(t, "etc/passwd", "/../../../../etc/passwd");
        assert_true(machine_user_read(t->fd, "daemon", &u) < 0);

        assert_int_equal(unlinkat(t->fd, "etc/passwd", 0), 0);
        assert_int_equal(mkfifoat(t->fd, "etc/passwd", 0644), 0);
        assert_int_equal(machine_user_read(t->fd, "root", &u), -EBADMSG);

        assert_int_equal(unlinkat(t->fd, "etc/passwd", 0), 0);
        tree_fixture_bytes(t, "etc/passwd", "root:x:0:0::/:/bin/sh\n\0", 24, 0644);
        assert_int_equal(machine_user_read(t->fd, "root", &u), -EBADMSG);

        tree_fixture_file(t, "etc/passwd", passwd);
        tree_fixture_bytes(t, "etc/group", "a\0", 2, 0644);
        assert_int_equal(machine_user_read(t->fd, "plain", &u), -EBADMSG);
        assert_null(u.name);
}

static void test_next(void **state)
{
        char text[] = "a:b::d\n\n:\nlast", *rest = text, *fields[3], *none = NULL;

        assert_int_equal(passwd_next(&rest, fields, 3), 4);
        assert_string_equal(fields[0], "a");
        assert_string_equal(fields[1], "b");
        assert_string_equal(fields[2], "");
        assert_int_equal(passwd_next(&rest, fields, 3), 1);
        assert_string_equal(fields[0], "");
        assert_int_equal(passwd_next(&rest, fields, 3), 2);
        assert_int_equal(passwd_next(&rest, fields, 3), 1);
        assert_string_equal(fields[0], "last");
        assert_int_equal(passwd_next(&rest, fields, 3), 0);
        assert_int_equal(passwd_next(&none, fields, 3), 0);
}

static void test_group(void **state)
{
        const Tree *t = *state;
        gid_t gid = 1;

        assert_int_equal(machine_group_read(t->fd, "root", &gid), 0);
        assert_int_equal(gid, 0);
        assert_int_equal(machine_group_read(t->fd, "staff", &gid), -ESRCH);
        tree_fixture_file(t, "etc/group", "users:x:100:a\nstaff:x:50:\nshort:x\nbad:x:x:\n77:x:7:\n");
        assert_int_equal(machine_group_read(t->fd, "staff", &gid), 0);
        assert_int_equal(gid, 50);
        /* A number needs no entry, unless it is a name. */
        assert_int_equal(machine_group_read(t->fd, "78", &gid), 0);
        assert_int_equal(gid, 78);
        assert_int_equal(machine_group_read(t->fd, "77", &gid), 0);
        assert_int_equal(gid, 7);
        gid = 1;
        assert_int_equal(machine_group_read(t->fd, "short", &gid), -EBADMSG);
        assert_int_equal(machine_group_read(t->fd, "bad", &gid), -EBADMSG);
        assert_int_equal(machine_group_read(t->fd, "4294967295", &gid), -ESRCH);
        assert_int_equal(machine_group_read(t->fd, "", &gid), -ESRCH);
        assert_int_equal(gid, 1);
}

/* A line of a megabyte is a line; a file of more than four is refused. */
static void test_long(void **state)
{
        const Tree *t = *state;
        size_t size = 5 * 1024 * 1024;
        char *text = malloc(size);
        MachineUser u = { 0 };

        assert_non_null(text);
        memset(text, 'a', size);
        memcpy(text + 1024 * 1024, "\nu:x:7:7:::\n", 13);
        tree_fixture_bytes(t, "etc/passwd", text, 1024 * 1024 + 12, 0644);
        assert_int_equal(machine_user_read(t->fd, "u", &u), 0);
        assert_int_equal(u.uid, 7);
        machine_user_done(&u);
        tree_fixture_bytes(t, "etc/passwd", text, size, 0644);
        assert_int_equal(machine_user_read(t->fd, "u", &u), -EBADMSG);
        free(text);
}

/* More groups than a process can have. */
static void test_group_flood(void **state)
{
        const Tree *t = *state;
        size_t n = 70000, line = 11;
        char *text = malloc(n * line + 1);
        MachineUser u = { 0 };

        assert_non_null(text);
        for (size_t i = 0; i < n; i++)
                memcpy(text + i * line, "a::5:plain\n", line);
        tree_fixture_file(t, "etc/passwd", passwd);
        tree_fixture_bytes(t, "etc/group", text, n * line, 0644);
        free(text);
        assert_int_equal(machine_user_read(t->fd, "plain", &u), -EBADMSG);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TREE_TEST(test_by_name),
                TREE_TEST(test_by_number_and_defaults),
                TREE_TEST(test_by_ids),
                TREE_TEST(test_great_ids),
                TREE_TEST(test_refused),
                TREE_TEST(test_no_files),
                TREE_TEST(test_files_that_are_none),
                TREE_TEST(test_next),
                TREE_TEST(test_group),
                TREE_TEST(test_long),
                TREE_TEST(test_group_flood),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
