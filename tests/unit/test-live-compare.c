/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Settings in force are kept, read back, and compared with those of a start, value by value. */

#include "live/live-compare.h"
#include "tree-fixture.h"

static void add(LiveSettings *s, const char *key, const char *text, unsigned line)
{
        const SettingRow *row = NULL;

        for (size_t i = 0; !row && i < settings_table_size; i++)
                if (settings_table[i].key && strcmp(settings_table[i].key, key) == 0)
                        row = &settings_table[i];
        assert_non_null(row);
        assert_int_equal(live_settings_add(s, row, text, (Source) { "/etc/m.nspawn", line }), 0);
}

typedef struct Compared {
        LiveSettings before, after, merged;
        LiveChange *changes;
        size_t n;
} Compared;

static void compared_done(Compared *c)
{
        live_settings_done(&c->before);
        live_settings_done(&c->after);
        live_settings_done(&c->merged);
        free(c->changes);
}
#define _cleanup_compared_ _cleanup_(compared_done)

static void compare(Compared *c)
{
        assert_int_equal(live_compare(&c->before, &c->after, &c->changes, &c->n), 0);
}

static void expect(const Compared *c, size_t i, const char *key, const char *before, const char *after)
{
        char name[LIVE_NAME_MAX];

        assert_true(i < c->n);
        assert_string_equal(live_change_name(&c->changes[i], name), key);
        assert_int_equal(c->changes[i].before != NULL, before != NULL);
        assert_int_equal(c->changes[i].after != NULL, after != NULL);
        if (before)
                assert_string_equal(c->changes[i].before->text, before);
        if (after)
                assert_string_equal(c->changes[i].after->text, after);
}

static void test_same(void **state)
{
        _cleanup_compared_ Compared c = { 0 };

        add(&c.before, "Bind", "/a:/a", 2);
        add(&c.before, "Bind", "/b:/b", 3);
        add(&c.before, "MemoryMax", "1G", 4);
        /* Another place or order is no change. */
        add(&c.after, "Bind", "/b:/b", 12);
        add(&c.after, "Bind", "/a:/a", 13);
        add(&c.after, "MemoryMax", "1G", 14);
        compare(&c);
        assert_int_equal(c.n, 0);
}

static void test_one_value(void **state)
{
        _cleanup_compared_ Compared c = { 0 };

        add(&c.before, "Hostname", "old", 2);
        add(&c.before, "MemoryMax", "1G", 4);
        add(&c.after, "Hostname", "new", 3);
        add(&c.after, "OOMScoreAdjust", "500", 5);
        compare(&c);
        assert_int_equal(c.n, 3);
        expect(&c, 0, "Hostname", "old", "new");
        assert_int_equal(c.changes[0].after->from.line, 3);
        expect(&c, 1, "OOMScoreAdjust", NULL, "500");
        expect(&c, 2, "MemoryMax", "1G", NULL);
}

static void test_list(void **state)
{
        _cleanup_compared_ Compared c = { 0 };

        add(&c.before, "Bind", "/a:/a", 2);
        add(&c.before, "Bind", "/twice:/t", 3);
        add(&c.after, "Bind", "/twice:/t", 4);
        add(&c.after, "Bind", "/twice:/t", 5);
        add(&c.after, "Bind", "/b:/b", 6);
        compare(&c);
        assert_int_equal(c.n, 3);
        expect(&c, 0, "Bind", "/a:/a", NULL);
        expect(&c, 1, "Bind", NULL, "/twice:/t");
        expect(&c, 2, "Bind", NULL, "/b:/b");
}

static void test_key_of_newer_systemd(void **state)
{
        _cleanup_compared_ Compared c = { 0 };
        const SettingRow *row = settings_table_row(SETTING_OTHER_RESOURCE);

        assert_int_equal(live_settings_add(&c.after, row, "NewLimit=5", (Source) { 0 }), 0);
        compare(&c);
        assert_int_equal(c.n, 1);
        expect(&c, 0, "NewLimit", NULL, "NewLimit=5");
}

/* What is done is in force, the rest stays as it was. */
static void test_merge(void **state)
{
        _cleanup_compared_ Compared c = { 0 };
        _cleanup_free_ LiveChange *rest = NULL;
        bool done[4] = { false, false, true, true };
        size_t n;

        add(&c.before, "Hostname", "old", 2);
        add(&c.before, "Bind", "/a:/a", 3);
        add(&c.before, "Bind", "/same:/same", 4);
        add(&c.after, "Hostname", "new", 2);
        add(&c.after, "Bind", "/same:/same", 14);
        add(&c.after, "Bind", "/b:/b", 5);
        add(&c.after, "MemoryMax", "1G", 6);
        compare(&c);
        assert_int_equal(c.n, 4);
        expect(&c, 1, "Bind", "/a:/a", NULL);
        expect(&c, 2, "Bind", NULL, "/b:/b");
        assert_int_equal(live_merge(&c.before, &c.after, c.changes, done, c.n, &c.merged), 0);
        assert_int_equal(c.merged.n, 5);
        assert_int_equal(live_compare(&c.merged, &c.after, &rest, &n), 0);
        assert_int_equal(n, 2);
        assert_string_equal(rest[0].before->text, "old");
        assert_string_equal(rest[1].before->text, "/a:/a");
}

/* Parsed again, they are the same Settings; only root may read the file. */
static void test_file(void **state)
{
        const Tree *t = *state;
        _cleanup_compared_ Compared c = { 0 };
        _cleanup_(settings_done) Settings s;
        char path[PATH_MAX];
        struct stat st;

        (void) snprintf(path, sizeof(path), "%s/settings", t->path);
        add(&c.before, "Bind", "/a\\:b:/c", 2);
        add(&c.before, "MemoryMax", "64M", 3);
        add(&c.before, "PrivateUsers", "pick", 4);
        assert_int_equal(live_settings_add(&c.before, settings_table_row(SETTING_SLICE), "x.slice", (Source) { "--slice=", 0 }),
                         0);
        assert_int_equal(live_settings_write(path, &c.before, NULL), 0);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        assert_int_equal(live_settings_read(path, &c.after, NULL), 0);
        compare(&c);
        assert_int_equal(c.n, 0);
        assert_int_equal(c.after.n, 4);
        assert_int_equal(c.after.items[1].from.line, 3);

        settings_init(&s);
        assert_int_equal(live_settings_apply(&c.after, &s), 0);
        assert_int_equal(s.n_binds, 1);
        assert_string_equal(s.binds[0].source, "/a:b");
        assert_int_equal(s.n_resources, 1);
        assert_int_equal(s.private_users, PRIVATE_USERS_PICK);
}

static void test_broken_file(void **state)
{
        const Tree *t = *state;
        _cleanup_compared_ Compared c = { 0 };
        char path[PATH_MAX];
        Failure f = { 0 };

        tree_fixture_file(t, "settings", "{ \"settings\": [");
        (void) snprintf(path, sizeof(path), "%s/settings", t->path);
        assert_int_equal(live_settings_read(path, &c.before, &f), -EBADMSG);
        tree_fixture_file(t, "settings", "{ \"settings\": [ { \"section\": \"Exec\", \"key\": \"NoSuchKey\", \"value\": \"x\" "
                          "} ] }");
        assert_int_equal(live_settings_read(path, &c.before, &f), 0);
        assert_int_equal(c.before.n, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_same),
                cmocka_unit_test(test_one_value),
                cmocka_unit_test(test_list),
                cmocka_unit_test(test_key_of_newer_systemd),
                cmocka_unit_test(test_merge),
                TREE_TEST(test_file),
                TREE_TEST(test_broken_file),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
