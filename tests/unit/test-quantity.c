/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "test.h"

#include "util/quantity.h"

static void test_parse_size_values(void **state)
{
        static const struct { const char *text; uint64_t size; } cases[] = {
                { "0", 0 }, { "1", 1 }, { "12B", 12 }, { "64K", 65536 }, { "1.5K", 1536 }, { "0.3M", 314573 },
                { "2G", UINT64_C(2) << 30 }, { "15E", UINT64_C(15) << 60 }, { "18446744073709551615", UINT64_MAX },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                uint64_t v = 1;

                assert_int_equal(parse_size(cases[i].text, &v), 0);
                assert_int_equal(v, cases[i].size);
        }
}

static void test_parse_size_refused(void **state)
{
        static const struct { const char *text; int r; } cases[] = {
                { "", -EINVAL }, { "K", -EINVAL }, { "1k", -EINVAL }, { "1KB", -EINVAL }, { "-1", -EINVAL },
                { "+1", -EINVAL }, { "1.", -EINVAL }, { ".5K", -EINVAL }, { "1 K", -EINVAL }, { "1K ", -EINVAL },
                { "0x10", -EINVAL }, { "1K1", -EINVAL }, { "infinity", -EINVAL },
                { "16E", -ERANGE }, { "18446744073709551616", -ERANGE },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                uint64_t v = 42;

                assert_int_equal(parse_size(cases[i].text, &v), cases[i].r);
                assert_int_equal(v, 42);
        }
}

static void test_parse_rate(void **state)
{
        uint64_t v = 1;

        assert_int_equal(parse_rate("5M", &v), 0);
        assert_int_equal(v, 5000000);
        assert_int_equal(parse_rate("1.5K", &v), 0);
        assert_int_equal(v, 1500);
        assert_int_equal(parse_rate("19E", &v), -ERANGE);
        assert_int_equal(parse_rate("5%", &v), -EINVAL);
        assert_int_equal(v, 1500);
}

static void test_parse_permyriad(void **state)
{
        static const struct { const char *text; uint64_t v; } cases[] = {
                { "0%", 0 }, { "50%", 5000 }, { "12.5%", 1250 }, { "0.01%", 1 }, { "400%", 40000 }, { "125‰", 1250 },
                { "12.5‰", 125 }, { "7‱", 7 },
        };
        uint64_t v = 0;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                assert_int_equal(parse_permyriad(cases[i].text, &v), 0);
                assert_int_equal(v, cases[i].v);
        }
        assert_int_equal(parse_permyriad("50", &v), -EINVAL);
        assert_int_equal(parse_permyriad("%", &v), -EINVAL);
        assert_int_equal(parse_permyriad("50 %", &v), -EINVAL);
        assert_int_equal(parse_permyriad("50%%", &v), -EINVAL);
}

static void test_parse_time_span_values(void **state)
{
        static const struct { const char *text; uint64_t unit, usec; } cases[] = {
                { "0", USEC_PER_SEC, 0 }, { "90", USEC_PER_SEC, 90 * USEC_PER_SEC }, { "90", 1, 90 },
                { "1min 30s", USEC_PER_SEC, 90 * USEC_PER_SEC }, { "1min30s", 1, 90 * USEC_PER_SEC },
                { " 2 h ", 1, 7200 * USEC_PER_SEC }, { "1.5h", 1, 5400 * USEC_PER_SEC }, { "500ms", 1, 500000 },
                { "3us", USEC_PER_SEC, 3 }, { "3µs", USEC_PER_SEC, 3 }, { "0.5", USEC_PER_SEC, 500000 },
                { "1w", 1, 604800 * USEC_PER_SEC }, { "1M", 1, 2629800 * USEC_PER_SEC },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                uint64_t v = 1;

                assert_int_equal(parse_time_span(cases[i].text, cases[i].unit, &v), 0);
                assert_int_equal(v, cases[i].usec);
        }
}

static void test_parse_time_span_refused(void **state)
{
        static const struct { const char *text; int r; } cases[] = {
                { "", -EINVAL }, { " ", -EINVAL }, { "s", -EINVAL }, { "5x", -EINVAL }, { "-5", -EINVAL }, { "5 s s", -EINVAL },
                { "5min-", -EINVAL }, { "infinity", -EINVAL }, { "1..5s", -EINVAL },
                { "999999999999y", -ERANGE }, { "18446744073709551615 1", -ERANGE },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                uint64_t v = 42;

                assert_int_equal(parse_time_span(cases[i].text, 1, &v), cases[i].r);
                assert_int_equal(v, 42);
        }
}

static void test_format_time_span(void **state)
{
        static const struct { uint64_t usec; const char *text; } cases[] = {
                { 1, "1us" }, { 90 * USEC_PER_SEC, "1min 30s" }, { 86401500000, "1d 1s 500ms" },
                { UINT64_MAX - 1, "213503982d 8h 1min 49s 551ms 614us" },
        };
        char text[TIME_SPAN_TEXT_MAX];

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                uint64_t back;

                assert_string_equal(format_time_span(cases[i].usec, text), cases[i].text);
                assert_int_equal(parse_time_span(text, 1, &back), 0);
                assert_true(back == cases[i].usec);
        }
        assert_string_equal(format_time_span(0, text), "0");
        assert_string_equal(format_time_span(UINT64_MAX, text), "infinity");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_parse_size_values),
                cmocka_unit_test(test_parse_size_refused),
                cmocka_unit_test(test_parse_rate),
                cmocka_unit_test(test_parse_permyriad),
                cmocka_unit_test(test_parse_time_span_values),
                cmocka_unit_test(test_parse_time_span_refused),
                cmocka_unit_test(test_format_time_span),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
