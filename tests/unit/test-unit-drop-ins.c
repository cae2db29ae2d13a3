/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tree-fixture.h"

#include "bus/unit-drop-ins.h"
#include "util/strv.h"

#define UNIT "box@x.service"
#define CONTROL "run/systemd/system.control/" UNIT ".d"
#define NOTE "run/box/.changed-units/" UNIT

static const UnitProperty quota = { .key = "CPUQuota", .name = "CPUQuotaPerSecUSec", .read_name = "CPUQuotaPerSecUSec" };
static const UnitProperty memory = { .key = "MemoryMax", .name = "MemoryMaxScale", .read_name = "MemoryMax" };
static const UnitProperty *const both[] = { &quota, &memory };

static bool exists(const Tree *t, const char *path)
{
        return faccessat(t->fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static char *list(const Tree *t)
{
        _cleanup_strv_ char **files = NULL;
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        assert_int_equal(unit_drop_ins_list(t->path, UNIT, both, 2, &files), 0);
        STRV_FOREACH(file, files)
                fprintf(f, "%s ", *file);
        fclose(f);
        return text;
}

static void test_list(void **state)
{
        const Tree *t = *state;
        _cleanup_free_ char *all = list(t), *some = NULL, *none = NULL;

        assert_string_equal(all, "50-CPUQuota.conf 50-CPUQuotaPerSecUSec.conf 50-MemoryMax.conf 50-MemoryMaxScale.conf ");

        /* A file of another owner is kept. */
        tree_fixture_bytes(t, CONTROL "/50-MemoryMax.conf", "", 0, 0644);
        some = list(t);
        assert_string_equal(some, "50-CPUQuota.conf 50-CPUQuotaPerSecUSec.conf 50-MemoryMaxScale.conf ");

        tree_fixture_bytes(t, "run/systemd/transient/" UNIT, "", 0, 0644);
        none = list(t);
        assert_string_equal(none, "");
}

static void test_note(void **state)
{
        const Tree *t = *state;
        char *files[] = { (char *) "50-CPUQuota.conf", (char *) "50-MemoryMax.conf", NULL };
        _cleanup_strv_ char **noted = NULL;

        assert_int_equal(unit_drop_ins_noted(t->path, UNIT, &noted, NULL), 0);
        tree_fixture_bytes(t, "run/x", "", 0, 0644);
        assert_int_equal(unit_drop_ins_note(t->path, UNIT, files, NULL), 0);
        assert_int_equal(unit_drop_ins_noted(t->path, UNIT, &noted, NULL), 1);
        assert_int_equal(strv_length(noted), 2);
        assert_string_equal(noted[0], files[0]);
        assert_string_equal(noted[1], files[1]);
}

static void test_no_note_of_nothing(void **state)
{
        const Tree *t = *state;

        assert_int_equal(unit_drop_ins_note(t->path, UNIT, NULL, NULL), 0);
        assert_false(exists(t, "run/box"));
}

static void test_bad_note(void **state)
{
        const Tree *t = *state;
        _cleanup_strv_ char **noted = NULL;
        static const char note[] = "../../x\n/etc/passwd\n50-A.conf\n\n50-cut-o";

        tree_fixture_bytes(t, NOTE, note, sizeof(note) - 1, 0644);
        assert_int_equal(unit_drop_ins_noted(t->path, UNIT, &noted, NULL), 1);
        assert_int_equal(strv_length(noted), 1);
        assert_string_equal(noted[0], "50-A.conf");
}

static void test_remove(void **state)
{
        const Tree *t = *state;
        char *files[] = { (char *) "50-CPUQuota.conf", (char *) "50-MemoryMax.conf", NULL };

        tree_fixture_bytes(t, CONTROL "/50-MemoryMax.conf", "", 0, 0644);
        tree_fixture_bytes(t, CONTROL "/50-Other.conf", "", 0, 0644);
        assert_int_equal(unit_drop_ins_note(t->path, UNIT, files, NULL), 0);
        assert_true(exists(t, NOTE));
        assert_int_equal(unit_drop_ins_remove(t->path, UNIT, files, NULL), 0);
        assert_false(exists(t, CONTROL "/50-MemoryMax.conf"));
        assert_true(exists(t, CONTROL "/50-Other.conf"));
        assert_false(exists(t, NOTE));

        assert_int_equal(unlinkat(t->fd, CONTROL "/50-Other.conf", 0), 0);
        assert_int_equal(unit_drop_ins_remove(t->path, UNIT, files, NULL), 0);
        assert_false(exists(t, CONTROL));
        assert_int_equal(unit_drop_ins_remove(t->path, UNIT, files, NULL), 0);
}

/* Of two who note files, each removes its own. */
static void test_two(void **state)
{
        const Tree *t = *state;
        char *one[] = { (char *) "50-CPUQuota.conf", NULL }, *two[] = { (char *) "50-MemoryMax.conf", NULL };
        _cleanup_strv_ char **noted = NULL;

        tree_fixture_bytes(t, CONTROL "/50-MemoryMax.conf", "", 0, 0644);
        assert_int_equal(unit_drop_ins_note(t->path, UNIT, one, NULL), 0);
        assert_int_equal(unit_drop_ins_note(t->path, UNIT, two, NULL), 0);
        assert_int_equal(unit_drop_ins_remove(t->path, UNIT, one, NULL), 0);
        assert_true(exists(t, CONTROL "/50-MemoryMax.conf"));
        assert_int_equal(unit_drop_ins_noted(t->path, UNIT, &noted, NULL), 1);
        assert_int_equal(strv_length(noted), 1);
        assert_string_equal(noted[0], two[0]);
        assert_int_equal(unit_drop_ins_remove(t->path, UNIT, two, NULL), 0);
        assert_false(exists(t, NOTE));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TREE_TEST(test_list),
                TREE_TEST(test_note),
                TREE_TEST(test_no_note_of_nothing),
                TREE_TEST(test_bad_note),
                TREE_TEST(test_remove),
                TREE_TEST(test_two),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
