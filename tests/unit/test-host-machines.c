/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* All that is known of a host's machines becomes one row for each. */

#include "tree-fixture.h"

#include "ctl/host-machines.h"

/* Sorted; the caller frees them. */
static HostMachine *merge(const HostSources *s, size_t expected)
{
        HostMachine *list = NULL;
        size_t n = 0;

        assert_int_equal(host_machines_merge(s, &list, &n), 0);
        assert_int_equal(n, expected);
        return list;
}

static void test_sources_of_one_machine_are_one_row(void **state)
{
        HostSources s = {
                .running = (char *[]) { (char *) "web10", (char *) "web2", NULL },
                .images = (Image[]) { { .name = (char *) "web2", .path = (char *) "/var/lib/machines/web2" },
                                      { .name = (char *) "db", .path = (char *) "/var/lib/machines/db.raw" } },
                .n_images = 2,
                .files = (char *[]) { (char *) "/etc/systemd/nspawn/web2.nspawn", (char *) "/run/systemd/nspawn/web2.nspawn",
                                      (char *) "/run/systemd/nspawn/only-file.nspawn", NULL },
                .links = (char *[]) { (char *) "masked /etc/systemd/system/box@db.service",
                                      (char *) "enabled /etc/systemd/system/machines.target.wants/box@db.service",
                                      (char *) "enabled-runtime /run/systemd/system/machines.target.wants/box@gone.service",
                                      NULL },
                .units = (UnitRow[]) { { (char *) "box@web2.service", (char *) "active" },
                                       { (char *) "box@db.service", (char *) "failed" },
                                       { (char *) "box@only-unit.service", (char *) "activating" },
                                       { (char *) "box@named-by-another.service", (char *) "inactive" } },
                .n_units = 4,
        };
        HostMachine *m = merge(&s, 6);

        assert_string_equal(m[0].name, "db");
        assert_string_equal(m[0].tree, "/var/lib/machines/db.raw");
        assert_string_equal(m[0].enabled, "masked");
        assert_string_equal(host_machine_state(&m[0]), "failed");
        assert_int_equal(m[0].running, SIZE_MAX);
        assert_null(m[0].file);

        assert_string_equal(m[1].name, "gone");
        assert_string_equal(m[1].enabled, "enabled-runtime");
        assert_string_equal(host_machine_state(&m[1]), "stopped");

        assert_string_equal(m[2].name, "only-file");
        assert_string_equal(m[2].file, "/run/systemd/nspawn/only-file.nspawn");
        assert_string_equal(m[2].enabled, "disabled");

        assert_string_equal(m[3].name, "only-unit");
        assert_string_equal(host_machine_state(&m[3]), "starting");

        assert_string_equal(m[4].name, "web2");
        assert_string_equal(m[4].file, "/etc/systemd/nspawn/web2.nspawn");
        assert_int_equal(m[4].running, 1);
        assert_null(host_machine_state(&m[4]));
        assert_string_equal(m[5].name, "web10");
        assert_int_equal(m[5].running, 0);
        host_machines_free(m, 6);
}

/* A file of such a name lies there, but no machine can have it. */
static void test_names_that_no_machine_has(void **state)
{
        HostSources s = {
                .files = (char *[]) { (char *) "/etc/systemd/nspawn/\033[31m.nspawn", (char *) "/etc/systemd/nspawn/.nspawn",
                                      (char *) "/etc/systemd/nspawn/-x.nspawn", (char *) "/etc/systemd/nspawn/ok.nspawn",
                                      (char *) "/etc/systemd/nspawn/a\nb.nspawn", NULL },
                .links = (char *[]) { (char *) "enabled /etc/systemd/system/x.wants/box@.service",
                                      (char *) "enabled /etc/systemd/system/x.wants/box@a b.service", NULL },
        };
        HostMachine *m = merge(&s, 1);

        assert_string_equal(m[0].name, "ok");
        host_machines_free(m, 1);
}

static void test_files_and_links_are_read(void **state)
{
        static const char unit[] = "/lib/systemd/system/box@.service";
        const Tree *t = *state;
        char images[128];
        const char *const image_dirs[] = { images, NULL };
        HostSources s = { 0 };
        HostMachine *m;

        (void) snprintf(images, sizeof(images), "%s/images", t->path);
        tree_fixture_file(t, "images/tree/etc/os-release", "");
        tree_fixture_file(t, "images/tree.nspawn", "");
        tree_fixture_file(t, "images/disk.raw", "");
        tree_fixture_file(t, "etc/systemd/nspawn/file.nspawn", "");
        tree_fixture_file(t, "etc/systemd/nspawn/notes.txt", "");
        tree_fixture_file(t, "run/systemd/nspawn/disk.nspawn", "");
        tree_fixture_link(t, "etc/systemd/system/machines.target.wants/box@tree.service", unit);
        tree_fixture_link(t, "run/systemd/system/x.service.requires/box@disk.service", unit);
        tree_fixture_link(t, "etc/systemd/system/box@file.service", "/dev/null");
        tree_fixture_file(t, "etc/systemd/system/box@other.service", "");

        assert_int_equal(host_sources_read(t->path, image_dirs, &s), 0);
        m = merge(&s, 3);
        assert_string_equal(m[0].name, "disk");
        assert_string_equal(m[0].enabled, "enabled-runtime");
        assert_string_equal(m[0].file + strlen(t->path), "/run/systemd/nspawn/disk.nspawn");
        assert_string_equal(m[0].tree + strlen(t->path), "/images/disk.raw");
        assert_string_equal(m[1].name, "file");
        assert_string_equal(m[1].enabled, "masked");
        assert_string_equal(m[1].file + strlen(t->path), "/etc/systemd/nspawn/file.nspawn");
        assert_null(m[1].tree);
        assert_string_equal(m[2].name, "tree");
        assert_string_equal(m[2].enabled, "enabled");
        assert_string_equal(m[2].file + strlen(t->path), "/images/tree.nspawn");
        host_machines_free(m, 3);
        host_sources_done(&s);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_sources_of_one_machine_are_one_row),
                cmocka_unit_test(test_names_that_no_machine_has),
                TREE_TEST(test_files_and_links_are_read),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
