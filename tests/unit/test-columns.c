/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which columns --columns= and --json= mean. */

#include "test.h"

#include <string.h>

#include "ctl/columns.h"

static const Column columns[] = {
        { 'n', "machine",   0,                0, NULL },
        { 's', "state",     COLUMN_MORE,      0, NULL },
        { 'o', "os",        COLUMN_TEXT_ONLY, 0, NULL },
};
enum { N = ARRAY_SIZE(columns) };

static char complaint[sizeof(((Failure *) NULL)->text)];

static int choose(const char *text, ColumnsOther other, Columns *ret)
{
        Failure f = { 0 };
        int r = columns_choose(columns, N, text, other, ret, &f);

        (void) snprintf(complaint, sizeof(complaint), "%s", f.text);
        return r;
}

static void test_columns_default(void **state)
{
        Columns c;

        assert_int_equal(choose(NULL, COLUMNS_SETTINGS, &c), 0);
        assert_null(c.chosen);
        assert_true(columns_want(&c, 0, false) && columns_want(&c, 0, true));
        assert_false(columns_want(&c, 1, false));
        assert_true(columns_want(&c, 1, true));
        assert_true(columns_want(&c, 2, false));
        assert_false(columns_want(&c, 2, true));
        columns_done(&c);
}

static void test_columns_by_name_letter_and_key(void **state)
{
        Columns c;

        assert_int_equal(choose("os,sn,MemoryMax,bind", COLUMNS_SETTINGS, &c), 0);
        assert_int_equal(c.n_chosen, 5);
        assert_int_equal(c.chosen[0], 2);
        assert_int_equal(c.chosen[1], 1);
        assert_int_equal(c.chosen[2], 0);
        assert_int_equal(c.chosen[3], N);
        assert_string_equal(c.all[N].name, "MemoryMax");
        assert_string_equal(c.all[N + 1].name, "Bind");
        assert_true(c.all[N + 1].flags & COLUMN_LINES);
        assert_true(columns_want(&c, 1, false));
        assert_true(columns_want(&c, N, false));
        columns_done(&c);

        assert_int_equal(choose("Machine", COLUMNS_FIXED, &c), 0);
        assert_int_equal(c.chosen[0], 0);
        columns_done(&c);
}

static void test_columns_fields(void **state)
{
        Columns c;

        assert_int_equal(choose("os,_BOOT_ID,state", COLUMNS_FIELDS, &c), 0);
        assert_int_equal(c.n_chosen, 3);
        assert_string_equal(c.all[c.chosen[1]].name, "_BOOT_ID");
        assert_int_equal(c.chosen[2], 1);
        columns_done(&c);
        assert_int_equal(choose("_BOOT_ID", COLUMNS_FIXED, &c), -EINVAL);
        assert_int_equal(choose("_BOOT_ID", COLUMNS_SETTINGS, &c), -EINVAL);
        assert_int_equal(choose("boot_id", COLUMNS_FIELDS, &c), -EINVAL);
        assert_int_equal(choose("MemoryMax", COLUMNS_FIELDS, &c), -EINVAL);
        assert_int_equal(choose("BOX_OTHER", COLUMNS_FIELDS, &c), -EINVAL);
        assert_non_null(strstr(complaint, ", and every field of a journal"));
}

static void test_columns_refused(void **state)
{
        Columns c;

        assert_int_equal(choose("machine,nosuch", COLUMNS_SETTINGS, &c), -EINVAL);
        assert_string_equal(complaint, "There is no column 'nosuch'; there are: machine (n), state (s), os (o), and every key of "
                                       "a setting");
        assert_int_equal(choose("MemoryMax", COLUMNS_FIXED, &c), -EINVAL);
        assert_int_equal(choose("n,,s", COLUMNS_SETTINGS, &c), -EINVAL);
        assert_int_equal(choose("", COLUMNS_SETTINGS, &c), -EINVAL);
        assert_int_equal(choose("nx", COLUMNS_SETTINGS, &c), -EINVAL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_columns_default),
                cmocka_unit_test(test_columns_by_name_letter_and_key),
                cmocka_unit_test(test_columns_fields),
                cmocka_unit_test(test_columns_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
