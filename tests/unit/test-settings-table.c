/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table against itself: what every reader of it takes for granted. */

#include "test.h"

#include <stdio.h>

#include "config/settings-table.h"
#include "config/values.h"

static void test_every_id_has_a_row(void **state)
{
        for (int id = 0; id < _SETTING_MAX; id++) {
                const SettingRow *row = settings_table_row((SettingId) id);

                if (!row)
                        fail_msg("setting %d has no row", id);
                assert_int_equal(row->id, id);
        }
}

static void test_rows_are_whole(void **state)
{
        for (size_t i = 0; i < settings_table_size; i++) {
                const SettingRow *row = &settings_table[i];
                const char *name = row->key ? row->key : row->option ? row->option : row->help;
                bool action = row->id == SETTING_HELP || row->id == SETTING_VERSION ||
                              row->id == SETTING_SET || row->id == SETTING_INTROSPECT;
                bool any_key = row->id == SETTING_OTHER_RESOURCE;       /* of its section */

                if (!row->section != (!row->key && !any_key))
                        fail_msg("%s: a key without a section, or the other way round", name);
                if (!row->key && !row->option && !row->letter && !any_key)
                        fail_msg("%s: nothing to write it by", name);
                if (!row->parse != action)
                        fail_msg("%s: no parser", name);
                if (row->parse == value_choice && !row->words)
                        fail_msg("%s: a choice without words", name);
                if ((row->flags & (SETTING_NO_ARG | SETTING_OPTIONAL_ARG)) && !row->implied)
                        fail_msg("%s: nothing is implied", name);
                if ((row->key || !(row->flags & SETTING_NO_ARG)) && !row->metavar)
                        fail_msg("%s: no metavar", name);
                if (row->key && !(row->flags & SETTING_HIDDEN) && !row->fallback)
                        fail_msg("%s: no default", name);
                if (!row->group || !row->help || strlen(row->help) < 8)
                        fail_msg("%s: no help", name);
                if (row->offset >= sizeof(Settings))
                        fail_msg("%s: offset %zu", name, row->offset);
        }
}

static void test_names_are_unique(void **state)
{
        for (size_t i = 0; i < settings_table_size; i++) {
                const SettingRow *row = &settings_table[i];

                if (row->key) {
                        assert_ptr_equal(settings_table_find_key(row->section, row->key), row);
                        assert_ptr_equal(settings_table_find_any_key(row->key), row);
                }
                if (row->option)
                        assert_ptr_equal(settings_table_find_option(row->option), row);
                if (row->letter)
                        assert_ptr_equal(settings_table_find_letter(row->letter), row);
        }
        assert_null(settings_table_find_letter(0));
        assert_null(settings_table_find_key("Files", "Boot"));
        assert_null(settings_table_find_key("Exec", "boot"));
        assert_null(settings_table_find_option("Boot"));
        assert_null(settings_table_find_option(""));
}

/* Whatever a switch implies must be a value of it; an empty text resets to the default; the words of a choice, and
 * nothing else, are its values. */
static void test_values_of_the_table_parse(void **state)
{
        char reason[SETTING_REASON_MAX];

        for (size_t i = 0; i < settings_table_size; i++) {
                const SettingRow *row = &settings_table[i];
                const Source from = { .where = "--test" }, file = { "x.nspawn", 1 };
                Settings s;

                if (!row->parse)
                        continue;

                settings_init(&s);
                if (row->implied)
                        assert_in_range(row->parse(row, row->implied, from, &s, reason), 0, SETTING_TAKEN_WITH_WARNING);
                assert_int_equal(row->parse(row, "", file, &s, reason), 0);
                for (int w = 0; row->words && row->words[w]; w++) {
                        assert_int_equal(row->parse(row, row->words[w], from, &s, reason), 0);
                        assert_int_equal(*(int *) ((char *) &s + row->offset), w);
                }
                settings_done(&s);
        }
}

/* A bad text is refused with a reason, and changes nothing, whatever the setting. */
static void test_garbage_is_refused_everywhere(void **state)
{
        static const char *const garbage[] = { "\001", "no such thing\"", "::::", "-_/..//", "~", "\xff\xfe", "a:b:c:d:e" };

        for (size_t i = 0; i < settings_table_size; i++) {
                const SettingRow *row = &settings_table[i];
                unsigned refused = 0;

                if (!row->parse || row->parse == value_string)
                        continue;
                for (size_t g = 0; g < ARRAY_SIZE(garbage); g++) {
                        char reason[SETTING_REASON_MAX] = "";
                        Settings s, fresh;

                        settings_init(&s);
                        settings_init(&fresh);
                        if (row->parse(row, garbage[g], (Source) { "x", 1 }, &s, reason) == -EINVAL) {
                                refused++;
                                assert_true(strlen(reason) > 3);
                                /* Arrays may have room already, but nothing in it. */
                                s.binds = NULL;
                                assert_memory_equal(&s, &fresh, sizeof(s));
                        }
                        settings_done(&s);
                }
                if (refused < (row->id == SETTING_PARAMETERS ? 1 : 4))
                        fail_msg("%s refused only %u", row->key ? row->key : row->option, refused);
        }
}

static void test_nearest(void **state)
{
        assert_string_equal(settings_table_nearest_key("Network", "MacVlan"), "MACVLAN");
        assert_string_equal(settings_table_nearest_key("Exec", "Enviroment"), "Environment");
        assert_null(settings_table_nearest_key("Exec", "MACVLAN"));
        assert_string_equal(settings_table_nearest_key(NULL, "MACVLN"), "MACVLAN");
        assert_null(settings_table_nearest_key(NULL, "Frobnicate"));
        assert_string_equal(settings_table_nearest_option("network-vet"), "network-veth");
        assert_null(settings_table_nearest_option("zzz"));
        assert_string_equal(settings_table_nearest_section("exec"), "Exec");
        assert_string_equal(settings_table_nearest_section("Resources"), "X-Resources");
        assert_null(settings_table_nearest_section("Frobnicate"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_every_id_has_a_row),
                cmocka_unit_test(test_rows_are_whole),
                cmocka_unit_test(test_names_are_unique),
                cmocka_unit_test(test_values_of_the_table_parse),
                cmocka_unit_test(test_garbage_is_refused_everywhere),
                cmocka_unit_test(test_nearest),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
