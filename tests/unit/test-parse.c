/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "test.h"

#include <signal.h>

#include "util/parse.h"

static void test_parse_bool(void **state)
{
        bool b = false;

        assert_int_equal(parse_bool("yes", &b), 0);
        assert_true(b);
        assert_int_equal(parse_bool("OFF", &b), 0);
        assert_false(b);
        assert_int_equal(parse_bool("", &b), -EINVAL);
        assert_int_equal(parse_bool("2", &b), -EINVAL);
        assert_int_equal(parse_bool("yes ", &b), -EINVAL);
}

static void test_parse_u64_limits(void **state)
{
        uint64_t v = 7;

        assert_int_equal(parse_u64("18446744073709551615", &v), 0);
        assert_true(v == UINT64_MAX);
        assert_int_equal(parse_u64("18446744073709551616", &v), -ERANGE);
        assert_int_equal(parse_u64("-1", &v), -EINVAL);
        assert_int_equal(parse_u64("", &v), -EINVAL);
        assert_int_equal(parse_u64("0x10", &v), -EINVAL);
        assert_true(v == UINT64_MAX);
}

static void test_parse_mac(void **state)
{
        static const uint8_t expected[6] = { 0x02, 0x00, 0x5e, 0x10, 0x0a, 0xff };
        static const char *const good[] = { "02:00:5e:10:0a:ff", "2:0:5E:10:A:FF", "02-00-5e-10-0a-ff", "0200.5e10.0aff",
                "200.5e10.aff" };
        static const char *const bad[] = { "", ":", "1", "12", "02:00:5e:10:0a", "02:00:5e:10:0a:ff:", "02:00:5e:10:0a:ff0",
                "02:00-5e:10:0a:ff", "020:0:5e:10:0a:f", "0200.5e10", "0200.5e10.0aff.0", "02005e100aff", "02:00:5e:10:0a:fg",
                " 02:00:5e:10:0a:ff", "02::5e:10:0a:ff", "10.0.0.1" };
        uint8_t mac[6];

        for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
                memset(mac, 0, sizeof(mac));
                assert_int_equal(parse_mac(good[i], mac), 0);
                assert_memory_equal(mac, expected, sizeof(mac));
        }
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                if (parse_mac(bad[i], mac) != -EINVAL)
                        fail_msg("'%s' was taken", bad[i]);
        assert_memory_equal(mac, expected, sizeof(mac));
}

static void test_parse_signal(void **state)
{
        int s = 0;

        assert_int_equal(parse_signal("SIGRTMIN+3", &s), 0);
        assert_int_equal(s, SIGRTMIN + 3);
        assert_string_equal(signal_name(s), "SIGRTMIN+3");
        assert_int_equal(parse_signal("TERM", &s), 0);
        assert_int_equal(s, SIGTERM);
        assert_int_equal(parse_signal("9", &s), 0);
        assert_int_equal(s, SIGKILL);
        assert_int_equal(parse_signal("RTMIN+99", &s), -ERANGE);
        assert_int_equal(parse_signal("RTMIN-1", &s), -EINVAL);
        assert_int_equal(parse_signal("0", &s), -ERANGE);
        assert_int_equal(parse_signal("", &s), -EINVAL);
        assert_int_equal(parse_signal("SIGFOO", &s), -EINVAL);
}

static void test_parse_word_quotes(void **state)
{
        const char *s = "  one 'two three' fo\"u r\"x \\x41\\tb \"\"";
        static const char *const expect[] = { "one", "two three", "fou rx", "A\tb", "" };
        char *word = NULL;

        for (size_t i = 0; i < ARRAY_SIZE(expect); i++) {
                assert_int_equal(parse_word(&s, &word), 1);
                assert_string_equal(word, expect[i]);
                free(word);
        }
        assert_int_equal(parse_word(&s, &word), 0);

        s = "\"open";
        assert_int_equal(parse_word(&s, &word), -EINVAL);
        s = "bad\\q";
        assert_int_equal(parse_word(&s, &word), -EINVAL);
        s = "nul\\x00";
        assert_int_equal(parse_word(&s, &word), -EINVAL);
        s = "end\\";
        assert_int_equal(parse_word(&s, &word), -EINVAL);
}

static void test_parse_escaped(void **state)
{
        static const struct { const char *text, *bytes; size_t n; } cases[] = {
                { "", "", 0 },
                { "plain text, no \"quotes\"", "plain text, no \"quotes\"", 23 },
                { "a\\nb\\tc\\\\d\\s\\e", "a\nb\tc\\d \033", 9 },
                { "\\x00\\xff\\x7E", "\0\xff~", 3 },
                { "\\000\\101\\377", "\0A\xff", 3 },
                { "\\u00e9\\u20ac\\U0001f600\\u0000", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\0", 10 },
        };
        static const char *const bad[] = {
                "\\", "\\q", "\\x1", "\\xgg", "\\12", "\\400", "\\ud800", "\\U00110000", "\\uffg0", "end\\",
        };
        char *bytes = NULL;
        size_t n = 99;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                assert_int_equal(parse_escaped(cases[i].text, &bytes, &n), 0);
                assert_int_equal(n, cases[i].n);
                assert_memory_equal(bytes, cases[i].bytes, n + 1);
                free(bytes);
        }
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                assert_int_equal(parse_escaped(bad[i], &bytes, &n), -EINVAL);
}

static void test_text_distance(void **state)
{
        assert_int_equal(text_distance("Bind", "bind"), 0);
        assert_int_equal(text_distance("Bnid", "Bind"), 1);
        assert_int_equal(text_distance("satrt", "start"), 1);
        assert_int_equal(text_distance("ab", "ba"), 1);
        assert_int_equal(text_distance("abc", "cab"), 2);
        assert_int_equal(text_distance("", "abc"), 3);
        assert_int_equal(text_distance("kitten", "sitting"), 3);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_parse_bool),
                cmocka_unit_test(test_parse_u64_limits),
                cmocka_unit_test(test_parse_mac),
                cmocka_unit_test(test_parse_signal),
                cmocka_unit_test(test_parse_word_quotes),
                cmocka_unit_test(test_parse_escaped),
                cmocka_unit_test(test_text_distance),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
