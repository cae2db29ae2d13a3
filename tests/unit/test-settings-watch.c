/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Edits of settings' files are noticed by stat(2) alone. */

#include "config/settings-watch.h"
#include "tree-fixture.h"

static char *watch(const Tree *t, SettingsSources *sources)
{
        char image[PATH_MAX], *text = NULL;

        (void) snprintf(image, sizeof(image), "%s/m", t->path);
        assert_int_equal(settings_watch_make(&(SettingsPlace) { .machine = "no-such-machine-m", .image_path = image }, sources,
                                             &text), 0);
        return text;
}

static void test_nothing_changes(void **state)
{
        const Tree *t = *state;
        _cleanup_free_ char *text = NULL;

        tree_fixture_file(t, "no-such-machine-m.nspawn", "[Exec]\n");
        text = watch(t, &(SettingsSources) { 0 });
        assert_non_null(strstr(text, "/etc/systemd/nspawn/no-such-machine-m.nspawn\n"));
        assert_false(settings_watch_changed(text));
}

static void test_edits(void **state)
{
        const Tree *t = *state;
        _cleanup_free_ char *none = NULL, *file = NULL, *drop_ins = NULL;
        char path[PATH_MAX];
        SettingsSource drop_in = { .kind = SETTINGS_SOURCE_DROP_IN };
        SettingsSources sources = { .items = &drop_in, .n = 1 };

        none = watch(t, &(SettingsSources) { 0 });
        tree_fixture_file(t, "no-such-machine-m.nspawn", "[Exec]\n");
        assert_true(settings_watch_changed(none));

        assert_int_equal(mkdirat(t->fd, "no-such-machine-m.nspawn.d", 0755), 0);
        file = watch(t, &(SettingsSources) { 0 });
        tree_fixture_file(t, "no-such-machine-m.nspawn.d/a.conf", "[Exec]\n");
        assert_true(settings_watch_changed(file));

        /* Written in place, its directory does not change. */
        (void) snprintf(path, sizeof(path), "%s/no-such-machine-m.nspawn.d/a.conf", t->path);
        drop_in.path = path;
        drop_ins = watch(t, &sources);
        assert_false(settings_watch_changed(drop_ins));
        assert_int_equal(truncate(path, 3), 0);
        assert_true(settings_watch_changed(drop_ins));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TREE_TEST(test_nothing_changes),
                TREE_TEST(test_edits),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
