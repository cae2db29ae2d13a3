/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table of boxctl top: rates, order, and lines that fit the terminal. */

#include "test.h"

#include "ctl/top-table.h"
#include "util/text.h"

#define GIB (UINT64_C(1024) * 1024 * 1024)
#define NO TOP_UNKNOWN

/* Two seconds apart. */
static char names[3][32] = { "web", "db-with-a-long-name", "web10" };
static const TopSample before[] = {
        { names[0], 10, 1000000, { 500000, 0, 0, 1000, 1000, GIB, 4 * GIB, 0, 12, 0, 0, 0 } },
        { names[1], 20, 1000000, { 0, 4096, 4096, 0, 0, 3 * GIB, NO, 2048, 100, 0, 0, 0 } },
        { names[2], 30, 1000000, { 900, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO } },
}, now[] = {
        { names[0], 10, 3000000, { 2500000, 2048, 0, 3000, 401000, GIB, 4 * GIB, 0, 12, 150, 0, 0 } },
        { names[1], 20, 3000000, { 20000, 200004096, 4096, 0, 0, 3 * GIB, NO, 2048, 98765, 0, 9950, 10000 } },
        { names[2], 31, 3000000, { 500, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO } },
};

static const TopLook host = { .n_cpus = 4, .memory = 4 * GIB };

static TopRow *rows_by(TopSort sort)
{
        TopRow *rows;

        assert_int_equal(top_rows(before, 3, now, 3, sort, &rows), 0);
        return rows;
}

static void test_top_rows_are_rates(void **state)
{
        TopRow *rows = rows_by(TOP_SORT_CPU);

        assert_string_equal(rows[0].name, "web");
        assert_int_equal(rows[0].values[TOP_CPU_USEC], 10000);          /* 2 s in 2 s */
        assert_int_equal(rows[0].values[TOP_READ], 1024);
        assert_int_equal(rows[0].values[TOP_WRITTEN], 0);
        assert_int_equal(rows[0].values[TOP_RECEIVED], 1000);
        assert_int_equal(rows[0].values[TOP_SENT], 200000);
        assert_int_equal(rows[0].values[TOP_MEMORY], GIB);
        assert_int_equal(rows[0].values[TOP_PRESSURE_CPU], 150);
        /* Another process is PID 1: it was started anew meanwhile. */
        assert_string_equal(rows[2].name, "web10");
        assert_true(rows[2].values[TOP_CPU_USEC] == NO);
        free(rows);

        /* The first sample, and one that was taken in the same moment. */
        assert_int_equal(top_rows(NULL, 0, now, 3, TOP_SORT_CPU, &rows), 0);
        assert_true(rows[0].values[TOP_CPU_USEC] == NO && rows[0].values[TOP_SENT] == NO);
        free(rows);
        assert_int_equal(top_rows(now, 3, now, 3, TOP_SORT_CPU, &rows), 0);
        assert_true(rows[0].values[TOP_CPU_USEC] == NO);
        free(rows);
        /* A counter that went backwards. */
        assert_int_equal(top_rows(now, 2, before, 2, TOP_SORT_NAME, &rows), 0);
        assert_true(rows[1].values[TOP_SENT] == NO);
        free(rows);
}

static void test_top_sort(void **state)
{
        static const struct {
                const char *name;
                char key;
                const char *first;
        } orders[] = {
                { "cpu", 'c', "web" },
                { "memory", 'm', "db-with-a-long-name" },
                { "swap", 's', "db-with-a-long-name" },
                { "io", 'i', "db-with-a-long-name" },
                { "tasks", 't', "db-with-a-long-name" },
                { "pressure", 'p', "db-with-a-long-name" },
                { "network", 'n', "web" },
                { "name", 'a', "db-with-a-long-name" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
                int sort = top_sort_by_name(orders[i].name);
                TopRow *rows;

                assert_true(sort >= 0);
                assert_int_equal(top_sort_by_key(orders[i].key), sort);
                rows = rows_by((TopSort) sort);
                assert_string_equal(rows[0].name, orders[i].first);
                assert_string_equal(rows[2].name, "web10");             /* what is unknown comes last */
                free(rows);
        }
        assert_int_equal(top_sort_by_name("frob"), -EINVAL);
        assert_int_equal(top_sort_by_name(""), -EINVAL);
        assert_int_equal(top_sort_by_key('z'), -EINVAL);
        assert_int_equal(top_sort_by_key('\0'), -EINVAL);
}

static char *printed(TopLook look, size_t n)
{
        TopRow *rows = rows_by(look.sort);
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        top_print(f, rows, n, &look);
        assert_int_equal(fclose(f), 0);
        free(rows);
        return text;
}

static void assert_printed(size_t width, const char *want)
{
        TopLook look = host;
        char *text;

        look.width = width;
        text = printed(look, 3);
        assert_string_equal(text, want);
        free(text);
}

static void test_top_print_80(void **state)
{
        assert_printed(80,
                "                                                    DISK/s   PRESSURE%     NET/s\n"
                "MACHINE        CPU%        MEM       SWAP TASKS READ WRITE CPU MEM  IO   IN  OUT\n"
                "web           100.0 █▎··· 1.0G █▎···    0    12 1.0K     0   1   0   0 0.9K 195K\n"
                "db-with-a-lo…   1.0 ▏···· 3.0G ███▊· 2.0K 98765  95M     0   0  99 100    0    0\n"
                "web10             -          -          -     -    -     -   -   -   -    -    -\n");
}

static void test_top_print_narrow(void **state)
{
        assert_printed(40,
                "                                  DISK/s\n"
                "MACHINE       CPU%  MEM TASKS READ WRITE\n"
                "web          100.0 1.0G    12 1.0K     0\n"
                "db-with-a-l…   1.0 3.0G 98765  95M     0\n"
                "web10            -    -     -    -     -\n");
        assert_printed(20,
                "MACHINE         CPU%\n"
                "web            100.0\n"
                "db-with-a-lon…   1.0\n"
                "web10              -\n");
}

static void test_top_print_wide(void **state)
{
        assert_printed(200,
                "                                                               "
                "                                   DISK/s   PRESSURE%     NET/s\n"
                "MACHINE              CPU%                            MEM       "
                "                    SWAP TASKS READ WRITE CPU MEM  IO   IN  OUT\n"
                "web                 100.0 ██████▎·················· 1.0G ██████"
                "▎··················    0    12 1.0K     0   1   0   0 0.9K 195K\n"
                "db-with-a-long-name   1.0 ▏························ 3.0G ██████"
                "████████████▊······ 2.0K 98765  95M     0   0  99 100    0    0\n"
                "web10                   -                              -       "
                "                       -     -    -     -   -   -   -    -    -\n");
        assert_printed(0,
                "                                                          DISK/s   PRESSURE%     NET/s\n"
                "MACHINE              CPU%        MEM       SWAP TASKS READ WRITE CPU MEM  IO   IN  OUT\n"
                "web                 100.0 █▎··· 1.0G █▎···    0    12 1.0K     0   1   0   0 0.9K 195K\n"
                "db-with-a-long-name   1.0 ▏···· 3.0G ███▊· 2.0K 98765  95M     0   0  99 100    0    0\n"
                "web10                   -          -          -     -    -     -   -   -   -    -    -\n");
}

/* No line is wider than the terminal, whatever its width. */
static void test_top_print_fits(void **state)
{
        for (size_t width = 18; width < 220; width++) {
                TopLook look = host;
                char *text;

                look.width = width;
                look.keys = true;
                text = printed(look, 3);
                for (const char *line = text; *line;) {
                        size_t n = strcspn(line, "\n");

                        assert_true(text_columns(line, n) <= width);
                        line += n + 1;
                }
                free(text);
        }
}

static size_t lines_of(const char *text)
{
        size_t n = 0;

        for (; *text; text++)
                n += *text == '\n';
        return n;
}

static void test_top_print_height(void **state)
{
        TopLook look = host;
        char *text;

        look.width = 80;
        look.keys = true;
        look.height = 6;
        text = printed(look, 3);
        assert_int_equal(lines_of(text), 6);
        assert_null(strstr(text, "more"));
        free(text);
        look.height = 5;
        text = printed(look, 3);
        assert_int_equal(lines_of(text), 5);
        assert_non_null(strstr(text, "… and 2 more\n"));
        free(text);
        text = printed(look, 0);
        assert_non_null(strstr(text, "No machines.\n"));
        free(text);
}

static void test_top_print_colour(void **state)
{
        TopLook look = host;
        char *text;

        look.width = 80;
        look.sort = TOP_SORT_MEMORY;
        look.keys = true;
        look.colour = true;
        text = printed(look, 3);
        assert_non_null(strstr(text, "\x1b[1;7m[m]emory\x1b[0m"));
        assert_non_null(strstr(text, "\x1b[33m███▊·\x1b[0m"));          /* 3 of 4 GiB */
        assert_non_null(strstr(text, "\x1b[32m█▎···\x1b[0m"));          /* one of four CPUs, and a GiB of four */
        free(text);
}

static void test_top_print_json(void **state)
{
        TopRow *rows = rows_by(TOP_SORT_CPU);
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        assert_int_equal(top_print_json(f, rows, 1, 1234567, OUTPUT_JSON, NULL), 0);
        assert_int_equal(fclose(f), 0);
        assert_string_equal(text, "{\"time_usec\":1234567,\"machines\":["
                                  "{\"machine\":\"web\",\"cpu_permyriad\":10000,\"read\":1024,"
                                  "\"written\":0,\"received\":1000,\"sent\":200000,\"memory\":1073741824,"
                                  "\"memory_limit\":4294967296,\"swap\":0,\"tasks\":12,\"pressure_cpu_permyriad\":150,"
                                  "\"pressure_memory_permyriad\":0,\"pressure_io_permyriad\":0}]}\n");
        free(text);
        free(rows);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_top_rows_are_rates),
                cmocka_unit_test(test_top_sort),
                cmocka_unit_test(test_top_print_80),
                cmocka_unit_test(test_top_print_narrow),
                cmocka_unit_test(test_top_print_wide),
                cmocka_unit_test(test_top_print_fits),
                cmocka_unit_test(test_top_print_height),
                cmocka_unit_test(test_top_print_colour),
                cmocka_unit_test(test_top_print_json),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
