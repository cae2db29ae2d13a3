/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The time line of a start: read from box-run's file and a payload's answers, sorted, as text and as a picture. */

#include "test.h"

#include <string.h>

#include "ctl/blame.h"

static const char stages[] = "lock 1000000 1000500\nclone 1000500 1050000\nexecute 1050000 1100000\nready 3000000 3000000\n";

static Blame blame_of(const char *units, int64_t offset)
{
        Blame b = { .machine = "web" };

        assert_int_equal(blame_add_stages(&b, stages), 0);
        assert_int_equal(blame_add_units(&b, units, offset), 0);
        return b;
}

static void test_blame_add_stages(void **state)
{
        Blame b = blame_of("", 0);

        assert_int_equal(b.n, 3);
        assert_int_equal(b.zero_usec, 1000000);
        assert_int_equal(b.up_usec, 100000);
        assert_int_equal(b.ready_usec, 2000000);
        assert_int_equal(b.total_usec, 2000000);
        assert_string_equal(b.steps[1].name, "clone");
        assert_int_equal(b.steps[1].begin_usec, 500);
        blame_done(&b);

        static const char *const bad[] = { "", "x", "lock 5", "lock 9 5\n", "lock 5 9\nname 4 6\n", "lock -1 x\n" };

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                assert_int_equal(blame_add_stages(&b, bad[i]), -EBADMSG);
                blame_done(&b);
        }
}

static void test_blame_add_units_of_a_payload(void **state)
{
        /* Its clock is 500 s ahead. */
        Blame b = blame_of("501200000 501700000 a.service\n"
                           "501200000 501200000 at-once.target\n"
                           "501700000 501200000 backwards.service\n"
                           "1200000 1700000 before-its-time.service\n"
                           "509000000 509100000 after-it-was-ready.service\n"
                           "501200000 18446744073709551615 endless.service\n"
                           "501200000 99999999999999 long.service\n"
                           "garbage\n\n"
                           "501100000 501300000 x\x1b[31m<y>&.service\n", 500 * INT64_C(1000000));

        assert_int_equal(b.n, 5);
        assert_string_equal(b.steps[3].name, "a.service");
        assert_int_equal(b.steps[3].begin_usec, 200000);
        assert_int_equal(b.steps[3].end_usec, 700000);
        assert_true(b.steps[3].of_unit);
        assert_string_equal(b.steps[4].name, "x?[31m<y>&.service");
        blame_done(&b);
}

static char *printed(Blame *b, bool plot, size_t width)
{
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        assert_non_null(f);
        if (plot)
                blame_plot(b, f);
        else
                blame_print(b, f, /* legend= */ true, width);
        assert_int_equal(fclose(f), 0);
        return text;
}

static void test_blame_print_sorted(void **state)
{
        Blame b = blame_of("1200000 2200000 a-unit-with-a-name-that-is-long.service\n", 0);
        char *text;

        blame_sort(&b, /* by_begin= */ false);
        text = printed(&b, false, 80);
        assert_string_equal(text, "web was ready after 2.000s: box-run took 100ms, then the machine 1.900s.\n\n"
                                  "     TIME     AFTER                          STEP\n"
                                  "   1.000s     200ms ··█████████████········· a-unit-with-a-name-that-is-long.se…\n"
                                  "     50ms      50ms ██······················ box: execute\n"
                                  "     49ms     0.5ms █······················· box: clone\n"
                                  "    0.5ms     0.0ms █······················· box: lock\n");
        free(text);
        blame_sort(&b, /* by_begin= */ true);
        assert_string_equal(b.steps[0].name, "lock");
        assert_string_equal(b.steps[3].name, "a-unit-with-a-name-that-is-long.service");
        blame_done(&b);
}

static void test_blame_plot_is_escaped(void **state)
{
        Blame b = blame_of("1200000 2200000 <script>&\"'.service\n", 0);
        char *text = printed(&b, true, 0);

        assert_non_null(strstr(text, "&lt;script&gt;&amp;&quot;'.service (1.000s)</text>"));
        assert_null(strstr(text, "<script>"));
        assert_non_null(strstr(text, ">box: execute (50ms)</text>"));
        assert_non_null(strstr(text, "class=\"unit\" x=\"120.00\" y=\"114\" width=\"500.00\""));
        assert_memory_equal(text, "<?xml ", 6);
        assert_string_equal(text + strlen(text) - 7, "</svg>\n");
        free(text);
        blame_done(&b);
}

static void test_blame_of_a_failed_start(void **state)
{
        Blame b = { .machine = "web" };
        char *text;

        assert_int_equal(blame_add_stages(&b, "lock 1000000 1000500\nclone 1000500 1050000\n! no \x1b[31mroom\n"), 0);
        assert_int_equal(b.n, 2);
        assert_string_equal(b.failure, "no ?[31mroom");
        text = printed(&b, /* plot= */ false, 0);
        assert_non_null(strstr(text, "web could not be started: it failed after 50ms.\n"));
        assert_string_equal(text + strlen(text) - strlen("box: clone\n× no ?[31mroom\n"), "box: clone\n× no ?[31mroom\n");
        free(text);
        text = printed(&b, /* plot= */ true, 0);
        assert_non_null(strstr(text, "failed 50ms"));
        free(text);
        blame_done(&b);
        b.machine = "web";
        assert_int_equal(blame_add_stages(&b, "! of no stage\n"), 0);
        text = printed(&b, /* plot= */ false, 0);
        assert_non_null(strstr(text, "web could not be started: it failed before the first step.\n"));
        free(text);
        blame_done(&b);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_blame_of_a_failed_start),
                cmocka_unit_test(test_blame_add_stages),
                cmocka_unit_test(test_blame_add_units_of_a_payload),
                cmocka_unit_test(test_blame_print_sorted),
                cmocka_unit_test(test_blame_plot_is_escaped),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
