/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The drop-ins that boxctl set writes: their text, and their end with the machine. */

#include "config/nspawn-file.h"
#include "config/set-drop-in.h"
#include "tree-fixture.h"

#define _cleanup_lines_ _cleanup_(set_lines_done)

static const SettingRow *row(const char *key)
{
        for (size_t i = 0; i < settings_table_size; i++)
                if (settings_table[i].key && strcmp(settings_table[i].key, key) == 0)
                        return &settings_table[i];
        fail_msg("no key %s", key);
        return NULL;
}

static void set(SetLines *l, const char *key, const char *value)
{
        assert_int_equal(set_lines_set(l, row(key), value), 0);
}

static void expect(const SetLines *l, const char *text)
{
        _cleanup_free_ char *is = set_lines_text(l);

        assert_string_equal(is, text);
}

static void test_text(void **state)
{
        _cleanup_lines_ SetLines l = { 0 };

        expect(&l, "");
        set(&l, "MemoryMax", "1G");
        set(&l, "Bind", "/a");
        set(&l, "CPUWeight", "50");
        expect(&l, "# Written by boxctl set.\n\n[X-Resources]\nMemoryMax=1G\nCPUWeight=50\n\n[Files]\nBind=/a\n");
}

static void test_one_value_is_replaced(void **state)
{
        _cleanup_lines_ SetLines l = { 0 };

        set(&l, "MemoryMax", "1G");
        set(&l, "MemoryMax", "2G");
        set(&l, "Parameters", "a");
        set(&l, "Parameters", "b c");
        expect(&l, "# Written by boxctl set.\n\n[X-Resources]\nMemoryMax=2G\n\n[Exec]\nParameters=b c\n");
}

static void test_list_grows(void **state)
{
        _cleanup_lines_ SetLines l = { 0 };

        set(&l, "Bind", "/a");
        set(&l, "Bind", "/b");
        set(&l, "Bind", "/a");
        expect(&l, "# Written by boxctl set.\n\n[Files]\nBind=/a\nBind=/b\n");
        set(&l, "Bind", "");
        set(&l, "Bind", "/c");
        expect(&l, "# Written by boxctl set.\n\n[Files]\nBind=\nBind=/c\n");
}

static void test_unset(void **state)
{
        _cleanup_lines_ SetLines l = { 0 };

        set(&l, "Bind", "/a");
        set(&l, "Bind", "/b");
        set(&l, "BindReadOnly", "/a");
        assert_int_equal(set_lines_unset(&l, row("Bind"), NULL, "/no"), 0);
        assert_int_equal(set_lines_unset(&l, row("Bind"), NULL, "/a"), 1);
        expect(&l, "# Written by boxctl set.\n\n[Files]\nBind=/b\nBindReadOnly=/a\n");
        assert_int_equal(set_lines_unset(&l, row("BindReadOnly"), NULL, NULL), 1);
        assert_int_equal(set_lines_unset(&l, row("Bind"), NULL, NULL), 1);
        expect(&l, "");
}

static void test_key_of_newer_systemd(void **state)
{
        const SettingRow *other = settings_table_row(SETTING_OTHER_RESOURCE);
        _cleanup_lines_ SetLines l = { 0 };

        assert_int_equal(set_lines_set(&l, other, "New=1"), 0);
        assert_int_equal(set_lines_set(&l, other, "Newer=1"), 0);
        assert_int_equal(set_lines_set(&l, other, "New=2"), 0);
        expect(&l, "# Written by boxctl set.\n\n[X-Resources]\nNewer=1\nNew=2\n");
        assert_int_equal(set_lines_unset(&l, other, "New=2", "New=2"), 1);
        assert_int_equal(set_lines_unset(&l, other, "New", NULL), 0);
        assert_int_equal(set_lines_unset(&l, other, "Newer", NULL), 1);
}

/* What is written is read as it was set. */
static void test_read_again(void **state)
{
        _cleanup_(assignments_done) Assignments a = { .trusted = true };
        _cleanup_(problems_done) Problems problems = { 0 };
        _cleanup_lines_ SetLines l = { 0 }, again = { 0 };
        _cleanup_free_ char *text = NULL;

        set(&l, "Bind", "/a\\:b:/c # no comment");
        set(&l, "Environment", "A=\"b c\"");
        set(&l, "Bind", "");
        set(&l, "Hostname", "=");
        text = set_lines_text(&l);
        assert_int_equal(nspawn_file_parse("x", text, strlen(text), &a, &problems), 0);
        assert_int_equal(problems.n, 0);
        assert_int_equal(set_lines_take(&a, &again), 0);
        expect(&again, text);
}

static void test_values(void **state)
{
        static const char *const bad[] = { "a\nb", "a\033[2J", " a", "a\t", "a\\", "\xff" };
        static const char *const good[] = { "", "a b", "# a", "a\\b", "\xc3\xa4", "[x]" };

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                assert_non_null(set_value_problem(bad[i]));
        for (size_t i = 0; i < ARRAY_SIZE(good); i++)
                assert_null(set_value_problem(good[i]));
}

static bool exists(const Tree *t, const char *path)
{
        return faccessat(t->fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void test_end(void **state)
{
        const Tree *t = *state;

        tree_fixture_file(t, "run/systemd/nspawn/m.nspawn.d/90-boxctl.conf", "");
        tree_fixture_file(t, "run/systemd/nspawn/m.nspawn.d/91-boxctl-1.conf", "");
        tree_fixture_file(t, "run/systemd/nspawn/m.nspawn.d/95-mine.conf", "");
        tree_fixture_file(t, "etc/systemd/nspawn/m.nspawn.d/80-boxctl.conf", "");
        tree_fixture_file(t, "run/systemd/nspawn/n.nspawn.d/90-boxctl.conf", "");
        set_drop_ins_remove(t->path, "m");
        assert_false(exists(t, "run/systemd/nspawn/m.nspawn.d/90-boxctl.conf"));
        assert_false(exists(t, "run/systemd/nspawn/m.nspawn.d/91-boxctl-1.conf"));
        assert_true(exists(t, "run/systemd/nspawn/m.nspawn.d/95-mine.conf"));
        assert_true(exists(t, "etc/systemd/nspawn/m.nspawn.d/80-boxctl.conf"));
        set_drop_ins_remove(t->path, "n");
        assert_false(exists(t, "run/systemd/nspawn/n.nspawn.d"));
        set_drop_ins_remove(t->path, "n");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_text),
                cmocka_unit_test(test_one_value_is_replaced),
                cmocka_unit_test(test_list_grows),
                cmocka_unit_test(test_unset),
                cmocka_unit_test(test_key_of_newer_systemd),
                cmocka_unit_test(test_read_again),
                cmocka_unit_test(test_values),
                TREE_TEST(test_end),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
