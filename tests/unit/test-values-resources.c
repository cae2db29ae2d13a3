/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "test.h"

#include "config/settings-table.h"

static Settings s;
static char reason[SETTING_REASON_MAX];

static int setup(void **state)
{
        settings_init(&s);
        return 0;
}

static int teardown(void **state)
{
        settings_done(&s);
        return 0;
}

static int set(const char *section, const char *key, const char *text)
{
        const SettingRow *row = section ? settings_table_find_key(section, key) : settings_table_find_option(key);

        assert_non_null(row);
        reason[0] = 0;
        return row->parse(row, text, (Source) { "f", 1 }, &s, reason);
}

static void assert_property(const UnitPropertySetting *list, size_t i, const char *want)
{
        _cleanup_free_ char *text = unit_property_text(&list[i].property);

        assert_string_equal(text, want);
}

/* Every row of [X-Resources] is a property, and may not come from an untrusted file. */
static void test_rows_are_properties(void **state)
{
        size_t n = 0;

        for (size_t i = 0; i < settings_table_size; i++) {
                const SettingRow *row = &settings_table[i];
                UnitProperty p;
                int r;

                if (!row->section || strcmp(row->section, "X-Resources") != 0)
                        continue;
                assert_true(row->flags & SETTING_PRIVILEGED);
                if (!row->key)          /* any other */
                        continue;
                r = unit_property_parse(UNIT_RESOURCES, row->key, "no value at all\"", &p, NULL);
                assert_int_equal(r, row->id == SETTING_UNIT_ONLY_KEY ? 0 : -EINVAL);
                if (r == 0) {           /* not in the table */
                        assert_null(p.type);
                        unit_property_done(&p);
                }
                n++;
        }
        assert_true(n > 50);
}

static void test_resources(void **state)
{
        assert_int_equal(set("X-Resources", "MemoryMax", "1M"), 0);
        assert_int_equal(set("X-Resources", "MemoryMax", "50%"), 0);
        assert_int_equal(set("X-Resources", "TasksMax", "7"), 0);
        assert_int_equal(s.n_resources, 2);
        assert_property(s.resources, 0, "MemoryMaxScale u 2147483648");

        assert_int_equal(set("X-Resources", "MemoryMax", ""), 0);
        assert_int_equal(s.n_resources, 1);
        assert_property(s.resources, 0, "TasksMax t 7");

        assert_int_equal(set("X-Resources", "TasksMax", "many"), -EINVAL);
        assert_string_equal(reason, "neither a number, nor a percentage, nor \"infinity\"");
        assert_property(s.resources, 0, "TasksMax t 7");
}

/* Keys that only the host's systemd may know are passed on, in their order; an empty value clears those of its key. */
static void test_other_resources(void **state)
{
        const SettingRow *row = settings_table_row(SETTING_OTHER_RESOURCE);
        static const char *const lines[] = { "MemoryTHP=always", "OOMRule=a b", "OOMRule=c", "MemoryTHP=" };
        const Source from = { "f", 1 };

        assert_int_equal(set("X-Resources", "TasksMax", "7"), 0);
        for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
                assert_int_equal(row->parse(row, lines[i], from, &s, reason), 0);
        assert_int_equal(s.n_resources, 3);
        assert_property(s.resources, 1, "OOMRule");
        assert_string_equal(s.resources[1].property.key, "OOMRule");
        assert_string_equal(s.resources[1].text, "a b");
        assert_string_equal(s.resources[2].text, "c");
        assert_int_equal(row->parse(row, "no-name=1", from, &s, reason), -EINVAL);
        assert_int_equal(row->parse(row, "Name", from, &s, reason), -EINVAL);
        assert_int_equal(row->parse(row, "", from, &s, reason), 0);
        assert_int_equal(s.n_resources, 3);
}

static void test_lists(void **state)
{
        assert_int_equal(set("X-Resources", "DeviceAllow", "char-drm rw"), 0);
        assert_int_equal(set("X-Resources", "IPAddressDeny", "any"), 0);
        assert_int_equal(set("X-Resources", "DeviceAllow", "/dev/kvm"), 0);
        assert_int_equal(s.n_resources, 3);
        assert_int_equal(set("X-Resources", "DeviceAllow", ""), 0);
        assert_int_equal(s.n_resources, 1);
        assert_string_equal(s.resources[0].property.key, "IPAddressDeny");
}

static void test_elsewhere(void **state)
{
        assert_int_equal(set("X-Resources", "Slice", "x.slice"), -EINVAL);
        assert_non_null(strstr(reason, "--slice="));
        assert_int_equal(set("X-Resources", "Delegate", "no"), -EINVAL);
        assert_int_equal(set("X-Resources", "Slice", ""), 0);
        assert_int_equal(s.n_resources, 0);
}

static void test_properties(void **state)
{
        assert_int_equal(set(NULL, "property", "MemoryMax=1M"), 0);
        assert_int_equal(set(NULL, "property", "Description=A machine"), 0);
        assert_int_equal(set(NULL, "property", "After=a.service b.service"), 0);
        assert_int_equal(set(NULL, "property", "MemoryMax=2M"), 0);
        assert_int_equal(s.n_scope_properties, 4);
        assert_property(s.scope_properties, 1, "Description s \"A machine\"");
        assert_property(s.scope_properties, 2, "After as \"a.service\" \"b.service\"");

        assert_int_equal(set(NULL, "property", "MemoryMax="), 0);
        assert_int_equal(s.n_scope_properties, 2);
        assert_int_equal(set(NULL, "property", "Frobnicate=1"), 0);
        assert_property(s.scope_properties, 2, "Frobnicate");
        assert_int_equal(set(NULL, "property", "Frobnicate="), 0);
        assert_int_equal(set(NULL, "property", "frobnicate=1"), -EINVAL);
        assert_int_equal(set(NULL, "property", "MemoryMax"), -EINVAL);
        assert_int_equal(set(NULL, "property", "=1"), -EINVAL);
        assert_int_equal(set(NULL, "property", "MemoryMax=x"), -EINVAL);
        assert_int_equal(s.n_scope_properties, 2);
        assert_int_equal(set(NULL, "property", ""), 0);
        assert_int_equal(s.n_scope_properties, 0);
}

static void test_machines(void **state)
{
        assert_int_equal(set("X-Box", "After", "db,cache mail"), 0);
        assert_int_equal(set("X-Box", "After", "more"), 0);
        assert_int_equal(set("X-Box", "Requires", "db"), 0);
        assert_int_equal(s.after.n, 4);
        assert_int_equal(s.requires.n, 1);
        assert_string_equal(s.after.items[2].value, "mail");

        assert_int_equal(set("X-Box", "After", "good -bad-"), -EINVAL);
        assert_string_equal(reason, "invalid machine name: '-bad-'");
        assert_int_equal(s.after.n, 4);
        assert_int_equal(set("X-Box", "After", ""), 0);
        assert_int_equal(s.after.n, 0);
        assert_int_equal(s.requires.n, 1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rows_are_properties),
                cmocka_unit_test_setup_teardown(test_resources, setup, teardown),
                cmocka_unit_test_setup_teardown(test_other_resources, setup, teardown),
                cmocka_unit_test_setup_teardown(test_lists, setup, teardown),
                cmocka_unit_test_setup_teardown(test_elsewhere, setup, teardown),
                cmocka_unit_test_setup_teardown(test_properties, setup, teardown),
                cmocka_unit_test_setup_teardown(test_machines, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
