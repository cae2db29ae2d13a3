/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The texts of [Files] that say what lies over the tree, and what follows from several of them. */

#include "test.h"

#include "config/settings-table.h"

static char reason[SETTING_REASON_MAX];

static int set(Settings *s, SettingId id, const char *text)
{
        const SettingRow *row = settings_table_row(id);

        reason[0] = 0;
        return row->parse(row, text, (Source) { "/etc/systemd/nspawn/t.nspawn", 7 }, s, reason);
}

static int setup(void **state)
{
        static Settings s;

        settings_init(&s);
        *state = &s;
        return 0;
}

static int teardown(void **state)
{
        settings_done(*state);
        return 0;
}

static void test_overlay(void **state)
{
        Settings *s = *state;
        const OverlaySetting *o;

        assert_int_equal(set(s, SETTING_OVERLAY, "/low//est:+/etc:/a\\:b/:/dest/"), 0);
        o = &s->overlays[0];
        assert_int_equal(o->n_layers, 3);
        assert_string_equal(o->layers[0].path, "/low/est");
        assert_false(o->layers[0].in_tree);
        assert_string_equal(o->layers[1].path, "/etc");
        assert_true(o->layers[1].in_tree);
        assert_string_equal(o->layers[2].path, "/a:b");
        assert_string_equal(o->dest, "/dest");
        assert_false(o->read_only);
        assert_int_equal(o->from.line, 7);

        /* Two fields: UPPER is where it goes as well. */
        assert_int_equal(set(s, SETTING_OVERLAY_READ_ONLY, "/low:+/upper"), 0);
        o = &s->overlays[1];
        assert_int_equal(o->n_layers, 2);
        assert_true(o->layers[1].in_tree);
        assert_string_equal(o->layers[1].path, "/upper");
        assert_string_equal(o->dest, "/upper");
        assert_true(o->read_only);

        assert_int_equal(set(s, SETTING_OVERLAY, "+/var::/var"), 0);
        o = &s->overlays[2];
        assert_int_equal(o->n_layers, 2);
        assert_null(o->layers[1].path);
        assert_false(o->layers[1].in_tree);

        /* Clearing one kind leaves the other. */
        assert_int_equal(set(s, SETTING_OVERLAY, ""), 0);
        assert_int_equal(s->n_overlays, 1);
        assert_true(s->overlays[0].read_only);
        assert_int_equal(set(s, SETTING_OVERLAY, "/x:/y:/z"), 0);
        assert_string_equal(s->overlays[1].dest, "/z");
}

/* "-" comes before "+", as in units. */
static void test_optional(void **state)
{
        Settings *s = *state;
        const OverlaySetting *o;

        assert_int_equal(set(s, SETTING_BIND, "-/srv/x"), 0);
        assert_int_equal(set(s, SETTING_BIND_READ_ONLY, "-+/in/tree:/y:norbind"), 0);
        assert_int_equal(set(s, SETTING_BIND, "/srv/-x:/-y"), 0);
        assert_true(s->binds[0].optional && !s->binds[0].in_tree);
        assert_string_equal(s->binds[0].source, "/srv/x");
        assert_string_equal(s->binds[0].dest, "/srv/x");
        assert_true(s->binds[1].optional && s->binds[1].in_tree && !s->binds[1].recursive);
        assert_string_equal(s->binds[1].source, "/in/tree");
        assert_false(s->binds[2].optional);

        assert_int_equal(set(s, SETTING_OVERLAY, "/low:-+/mid:/dest"), 0);
        assert_int_equal(set(s, SETTING_OVERLAY_READ_ONLY, "/low:-+/up"), 0);
        o = s->overlays;
        assert_int_equal(o[0].n_layers, 2);
        assert_true(!o[0].layers[0].optional && o[0].layers[1].optional && o[0].layers[1].in_tree);
        assert_string_equal(o[1].dest, "/up");
}

static void test_optional_refused(void **state)
{
        static const struct { SettingId id; const char *text, *why; } bad[] = {
                { SETTING_BIND, "-", "absolute" }, { SETTING_BIND, "-:/x", "absolute" }, { SETTING_BIND, "+-/x", "absolute" },
                { SETTING_BIND, "--/x", "absolute" }, { SETTING_BIND, "/x:-/y", "absolute" },
                { SETTING_BIND, "-/x:/", "cannot be optional" }, { SETTING_OVERLAY, "+/:-/x:/", "cannot be optional" },
                { SETTING_OVERLAY, "/x:/y:-/z", "absolute" }, { SETTING_INACCESSIBLE, "-/x", "absolute" },
        };
        Settings *s = *state;

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                if (set(s, bad[i].id, bad[i].text) != -EINVAL)
                        fail_msg("'%s' was taken", bad[i].text);
                if (!strstr(reason, bad[i].why))
                        fail_msg("'%s': %s", bad[i].text, reason);
        }
        assert_int_equal(s->n_binds + s->n_overlays, 0);
}

static void test_overlay_refused(void **state)
{
        static const struct { const char *text, *why; } bad[] = {
                { "/only", "LOWER" }, { "/low::/up:/dest", "only UPPER" }, { ":/up:/dest", "only UPPER" },
                { "/low:", "absolute" }, { "/low:/up:dest", "absolute" }, { "low:/up:/dest", "absolute" },
                { "/low:/up/..:/dest", ".." }, { "/low:+:/dest", "absolute" },
                { "/low:/up:/dest\\", "backslash" },
                { "/low:/up:+/dest", "absolute" },
        };
        Settings *s = *state;

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                if (set(s, SETTING_OVERLAY, bad[i].text) != -EINVAL)
                        fail_msg("'%s' was taken", bad[i].text);
                if (!strstr(reason, bad[i].why))
                        fail_msg("'%s': %s", bad[i].text, reason);
        }
        assert_int_equal(s->n_overlays, 0);
}

static void test_volatile(void **state)
{
        Settings *s = *state;

        assert_int_equal(set(s, SETTING_VOLATILE, "true"), 0);
        assert_int_equal(s->volatile_mode, VOLATILE_YES);
        assert_int_equal(set(s, SETTING_VOLATILE, "overlay"), 0);
        assert_int_equal(s->volatile_mode, VOLATILE_OVERLAY);
        assert_int_equal(set(s, SETTING_VOLATILE, "var"), -EINVAL);
        assert_int_equal(s->volatile_mode, VOLATILE_OVERLAY);
        assert_int_equal(set(s, SETTING_VOLATILE, "0"), 0);
        assert_int_equal(s->volatile_mode, VOLATILE_NO);
}

static void test_shares_tree(void **state)
{
        static const struct { SettingId id; const char *text, *clear; } cases[] = {
                { SETTING_READ_ONLY, "yes", "" },
                { SETTING_EPHEMERAL, "yes", "no" },
                { SETTING_VOLATILE, "state", "no" },
                { SETTING_BIND, "/srv:/", "" },
                { SETTING_TEMPORARY_FILE_SYSTEM, "/", "" },
        };
        Settings *s = *state;

        assert_int_equal(set(s, SETTING_BIND, "/srv"), 0);
        assert_int_equal(set(s, SETTING_TEMPORARY_FILE_SYSTEM, "/srv"), 0);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                assert_false(settings_shares_tree(s));
                assert_int_equal(set(s, cases[i].id, cases[i].text), 0);
                assert_true(settings_shares_tree(s));
                assert_int_equal(set(s, cases[i].id, cases[i].clear), 0);
        }
}

static void test_custom_root(void **state)
{
        Settings *s = *state;
        Source from;

        assert_int_equal(set(s, SETTING_BIND_READ_ONLY, "/srv:/mnt"), 0);
        assert_false(settings_custom_root(s, &from));
        assert_null(from.where);
        assert_int_equal(set(s, SETTING_BIND_READ_ONLY, "/srv:/"), 0);
        assert_true(settings_custom_root(s, &from));
        assert_int_equal(from.line, 7);
        assert_true(settings_custom_root(s, NULL));

        assert_int_equal(set(s, SETTING_BIND_READ_ONLY, ""), 0);
        assert_false(settings_custom_root(s, NULL));
        assert_int_equal(set(s, SETTING_OVERLAY, "+/:/up:/"), 0);
        assert_true(settings_custom_root(s, NULL));
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                CASE(test_overlay),
                CASE(test_overlay_refused),
                CASE(test_optional),
                CASE(test_optional_refused),
                CASE(test_volatile),
                CASE(test_shares_tree),
                CASE(test_custom_root),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
