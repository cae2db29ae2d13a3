/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tables as text and as JSON, and that nothing of a machine reaches a terminal raw. */

#include "test.h"

#include <jansson.h>
#include <stdio.h>

#include "ctl/table.h"

static const Column columns[] = { { 'n', "machine" }, { 'o', "os" }, { 'a', "addresses", COLUMN_LINES } };

static Table *table_of(const char *const (*rows)[3], size_t n)
{
        Table *t = table_new(columns, ARRAY_SIZE(columns));

        assert_non_null(t);
        for (size_t i = 0; i < n; i++)
                assert_int_equal(table_add(t, rows[i]), 0);
        return t;
}

/* left_out: the columns for which there is no room. */
static void assert_printed_without(Table *t, unsigned flags, size_t width, int left_out, const char *want)
{
        char *got = NULL;
        size_t size;
        FILE *f = open_memstream(&got, &size);

        assert_non_null(f);
        assert_int_equal(table_print(t, f, flags, width), left_out);
        assert_int_equal(fclose(f), 0);
        assert_string_equal(got, want);
        free(got);
        table_free(t);
}

static void assert_printed(Table *t, unsigned flags, size_t width, const char *want)
{
        assert_printed_without(t, flags, width, 0, want);
}

static void test_table_print_aligned(void **state)
{
        static const char *const rows[][3] = { { "web", "debian", "10.0.0.5" }, { "a", NULL, "" } };

        assert_printed(table_of(rows, 2), TABLE_HEADER | TABLE_SORT, 0,
                       "MACHINE OS     ADDRESSES\n"
                       "a       -      -\n"
                       "web     debian 10.0.0.5\n");
}

static void test_table_print_unsorted_without_header(void **state)
{
        static const char *const rows[][3] = { { "b", "x", "1" }, { "a", "y", "2" } };

        assert_printed(table_of(rows, 2), 0, 0, "b x 1\na y 2\n");
}

static void test_table_print_lines_of_a_cell(void **state)
{
        static const char *const rows[][3] = { { "a", "x", "10.0.0.1\nfe80::1" }, { "b", "y", "10.0.0.2" } };

        assert_printed(table_of(rows, 2), 0, 0,
                       "a x 10.0.0.1\n"
                       "    fe80::1\n"
                       "b y 10.0.0.2\n");
}

static void test_table_print_utf8_counts_characters(void **state)
{
        static const char *const rows[][3] = { { "a", "Größe", "1" }, { "b", "x", "2" } };

        assert_printed(table_of(rows, 2), 0, 0, "a Größe 1\nb x     2\n");
}

static void test_table_print_cut(void **state)
{
        static const char *const rows[][3] = { { "machine", "debian", "192.168.100.100" }, { "b", "x", "1" } };

        assert_printed(table_of(rows, 2), 0, 20, "machine debian 192.…\nb       x      1\n");
        /* A line that just fits is not cut. */
        assert_printed(table_of(rows, 2), 0, 30, "machine debian 192.168.100.100\nb       x      1\n");
}

/* A long name takes no other column from the line. */
static void test_table_print_long_cell(void **state)
{
        static const char *const rows[][3] = { { "a-machine-with-a-very-long-name", "debian", "10.0.0.5" },
                                               { "b", "\u00fc", "1" } };

        assert_printed(table_of(rows, 2), TABLE_HEADER, 32,
                       "MACHINE         OS     ADDRESSES\n"
                       "a-machine-with… debian 10.0.0.5\n"
                       "b               \u00fc      1\n");
        assert_printed(table_of(rows, 2), TABLE_HEADER, 80,
                       "MACHINE                         OS     ADDRESSES\n"
                       "a-machine-with-a-very-long-name debian 10.0.0.5\n"
                       "b                               \u00fc      1\n");
}

/* Blanks between cells do not pass the width either. */
static void test_table_print_cut_between_cells(void **state)
{
        static const char *const rows[][3] = { { "machine", "x", "1" }, { "b", "xxxxxxxxxxxxxxxxxx", "1" } };

        assert_printed(table_of(rows, 2), 0, 20, "machine x          …\nb       xxxxxxxxxxx…\n");
}

static void test_table_print_many_columns(void **state)
{
        enum { N = 40 };
        Column named[N] = { 0 };
        const char *cells[N];
        char want[2 * N + 1] = "";
        Table *t;

        for (size_t i = 0; i < N; i++) {
                named[i].name = cells[i] = "x";
                want[2 * i] = 'x';
                want[2 * i + 1] = i + 1 < N ? ' ' : '\n';
        }
        t = table_new(named, N);
        assert_non_null(t);
        assert_int_equal(table_add(t, cells), 0);
        assert_printed(t, 0, 0, want);
}

static void test_table_print_colour(void **state)
{
        static const char *const rows[][3] = { { "a", "x", "1" } };

        assert_printed(table_of(rows, 1), TABLE_HEADER | TABLE_COLOUR, 0,
                       "\x1b[4mMACHINE\x1b[0m \x1b[4mOS\x1b[0m \x1b[4mADDRESSES\x1b[0m\na       x  1\n");
}

static void test_table_print_hostile(void **state)
{
        static const char *const rows[][3] = { { "a", "\x1b]0;owned\x07\nrow", "x\xc2\x9b" "2J\xff" } };

        assert_printed(table_of(rows, 1), 0, 0, "a ?]0;owned??row x??2J?\n");
}

static void test_table_sorts_as_people_count(void **state)
{
        static const char *const rows[][3] = { { "web10", "x" }, { "web2", "x" }, { "db", "x" }, { "web", "x" } };

        assert_printed(table_of(rows, 4), TABLE_SORT, 0, "db    x -\nweb   x -\nweb2  x -\nweb10 x -\n");
}

static const Column many[] = {
        { 'n', "machine",   0,                           0, NULL },
        { 'c', "class",     0,                           2, NULL },
        { 's', "service",   0,                           1, NULL },
        { 't', "state",     COLUMN_MORE | COLUMN_STATE,  0, NULL },
        { 'm', "memory",    COLUMN_BYTES,                3, NULL },
        { 'p', "pid",       COLUMN_NUMBER | COLUMN_MORE, 0, NULL },
        { 'a', "addresses", COLUMN_LINES,                0, NULL },
};

static Table *table_of_many(void)
{
        Table *t = table_new(many, ARRAY_SIZE(many));

        assert_non_null(t);
        assert_int_equal(table_add(t, (const char *const[]) { "web", "container", "box", "running", "13107200", "12",
                                                              "10.0.0.5" }), 0);
        assert_int_equal(table_add(t, (const char *const[]) { "db", "container", "box", "failed", "100", NULL, NULL }), 0);
        return t;
}

/* Numbers end below each other; what is not asked for is not shown. */
static void test_table_numbers(void **state)
{
        assert_printed(table_of_many(), TABLE_HEADER, 0,
                       "MACHINE CLASS     SERVICE MEMORY ADDRESSES\n"
                       "web     container box      12.5M 10.0.0.5\n"
                       "db      container box       100B -\n");
}

static void test_table_choose(void **state)
{
        Table *t = table_of_many();

        assert_int_equal(table_choose(t, (const size_t[]) { 5, 3, 0 }, 3), 0);
        assert_printed(t, TABLE_HEADER, 0, "PID STATE   MACHINE\n 12 running web\n  - failed  db\n");
}

/* The least important go first, and only as many as have to. */
static void test_table_leaves_columns_out(void **state)
{
        assert_printed_without(table_of_many(), TABLE_HEADER, 40, 1,
                               "MACHINE CLASS     MEMORY ADDRESSES\n"
                               "web     container  12.5M 10.0.0.5\n"
                               "db      container   100B -\n");
        assert_printed_without(table_of_many(), 0, 24, 2, "web 12.5M 10.0.0.5\ndb   100B -\n");
        assert_printed_without(table_of_many(), 0, 10, 3, "web 10.0.…\ndb  -\n");
}

static void test_table_state_has_a_colour(void **state)
{
        Table *t = table_of_many();

        assert_int_equal(table_choose(t, (const size_t[]) { 0, 3 }, 2), 0);
        assert_printed(t, TABLE_COLOUR, 0, "web \x1b[32mrunning\x1b[0m\ndb  \x1b[31mfailed\x1b[0m\n");
}

static json_t *json_of(Table *t, unsigned flags, OutputMode mode)
{
        char *text = NULL;
        json_t *json;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        assert_non_null(f);
        assert_int_equal(table_print_json(t, f, flags, mode, NULL), 0);
        assert_int_equal(fclose(f), 0);
        assert_int_equal(text[size - 1], '\n');
        json = json_loads(text, 0, NULL);
        assert_non_null(json);
        free(text);
        table_free(t);
        return json;
}

static void test_table_print_json(void **state)
{
        static const char *const rows[][3] = { { "web", "de\"bian", NULL }, { "a\x1b", "\xff", "1\n2" } };
        static const OutputMode modes[] = { OUTPUT_JSON, OUTPUT_JSON_PRETTY };

        for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
                json_t *json = json_of(table_of(rows, 2), 0, modes[i]), *first = json_array_get(json, 0);

                assert_int_equal(json_array_size(json), 2);
                assert_string_equal(json_string_value(json_object_get(first, "machine")), "a?");
                assert_string_equal(json_string_value(json_object_get(first, "os")), "?");
                assert_int_equal(json_array_size(json_object_get(first, "addresses")), 2);
                assert_string_equal(json_string_value(json_array_get(json_object_get(first, "addresses"), 1)), "2");
                assert_string_equal(json_string_value(json_object_get(json_array_get(json, 1), "os")), "de\"bian");
                assert_true(json_is_array(json_object_get(json_array_get(json, 1), "addresses")));
                assert_int_equal(json_array_size(json_object_get(json_array_get(json, 1), "addresses")), 0);
                json_decref(json);
        }
}

static void test_table_print_json_lines_in_one_string(void **state)
{
        static const char *const rows[][3] = { { "a", "x", "1\n2" }, { "b", "x", NULL } };
        json_t *json = json_of(table_of(rows, 2), TABLE_JSON_TEXTS, OUTPUT_JSON);

        assert_string_equal(json_string_value(json_object_get(json_array_get(json, 0), "addresses")), "1\n2");
        assert_true(json_is_null(json_object_get(json_array_get(json, 1), "addresses")));
        json_decref(json);
}

static void test_table_print_json_kinds(void **state)
{
        json_t *json = json_of(table_of_many(), 0, OUTPUT_JSON), *web = json_array_get(json, 1), *db = json_array_get(json, 0);

        assert_int_equal(json_object_size(web), ARRAY_SIZE(many));
        assert_int_equal(json_integer_value(json_object_get(web, "memory")), 13107200);
        assert_int_equal(json_integer_value(json_object_get(web, "pid")), 12);
        assert_true(json_is_null(json_object_get(db, "pid")));
        assert_string_equal(json_string_value(json_object_get(db, "state")), "failed");
        json_decref(json);
}

static void test_table_print_json_empty(void **state)
{
        json_t *json = json_of(table_of(NULL, 0), 0, OUTPUT_JSON);

        assert_true(json_is_array(json));
        assert_int_equal(json_array_size(json), 0);
        json_decref(json);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_table_print_aligned),
                cmocka_unit_test(test_table_print_unsorted_without_header),
                cmocka_unit_test(test_table_print_lines_of_a_cell),
                cmocka_unit_test(test_table_print_utf8_counts_characters),
                cmocka_unit_test(test_table_print_cut),
                cmocka_unit_test(test_table_print_cut_between_cells),
                cmocka_unit_test(test_table_print_long_cell),
                cmocka_unit_test(test_table_print_many_columns),
                cmocka_unit_test(test_table_print_colour),
                cmocka_unit_test(test_table_print_hostile),
                cmocka_unit_test(test_table_print_json),
                cmocka_unit_test(test_table_print_json_lines_in_one_string),
                cmocka_unit_test(test_table_print_json_empty),
                cmocka_unit_test(test_table_print_json_kinds),
                cmocka_unit_test(test_table_sorts_as_people_count),
                cmocka_unit_test(test_table_numbers),
                cmocka_unit_test(test_table_choose),
                cmocka_unit_test(test_table_leaves_columns_out),
                cmocka_unit_test(test_table_state_has_a_colour),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
