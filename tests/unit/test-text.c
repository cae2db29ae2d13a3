/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "test.h"

#include "util/text.h"

static bool utf8(const char *s)
{
        return text_is_utf8(s, strlen(s));
}

static void test_utf8(void **state)
{
        assert_true(utf8(""));
        assert_true(utf8("plain"));
        assert_true(utf8("K\xc3\xa4se \xe2\x82\xac \xf0\x9f\x93\xa6"));
        assert_true(text_is_utf8("a\0b", 3));
        assert_false(utf8("\xe4"));                     /* Latin-1 */
        assert_false(utf8("\xc0\xaf"));                 /* overlong '/' */
        assert_false(utf8("\xe0\x80\xaf"));
        assert_false(utf8("\xed\xa0\x80"));             /* a surrogate */
        assert_false(utf8("\xf4\x90\x80\x80"));         /* past the last */
        assert_false(utf8("\xf8\x88\x80\x80\x80"));
        assert_false(text_is_utf8("\xe2\x82", 2));      /* cut */
        assert_false(utf8("\x80"));
}

static void test_control(void **state)
{
        assert_false(text_has_control("a\tb", 3));
        assert_true(text_has_control("a\033b", 3));
        assert_true(text_has_control("a\0b", 3));
        assert_true(text_has_control("\x7f", 1));
        assert_true(text_has_control("a\xc2\x9b" "2J", 5));
        assert_false(text_has_control("a\xc2\xa0", 3));
        assert_false(text_has_control("a\xc2", 2));
        assert_false(text_has_control("a\0b", 1));
}

static void test_make_printable(void **state)
{
        char escape[] = "a\033[31mb\xc2\x9b""c\xe4\xc3\xa4\n";

        text_make_printable(escape);
        assert_string_equal(escape, "a?[31mb??c?\xc3\xa4?");
}

static void test_make_lines_printable(void **state)
{
        char text[] = "a\tb\r\n\0\033]0;x\a\n\xe4\xc3\xa4\xc2\x9b";

        text_make_lines_printable(text, sizeof(text) - 1);
        assert_memory_equal(text, "a\tb?\n??]0;x?\n?\xc3\xa4??", sizeof(text) - 1);
}

static void check_visible(const char *line, size_t size, const char *expected)
{
        char text[256];
        size_t n = text_make_visible(line, size, text);

        assert_int_equal(n, strlen(expected));
        assert_memory_equal(text, expected, n);
        assert_true(n <= 4 * size);
}
#define CHECK_VISIBLE(line, expected) check_visible(line, sizeof(line) - 1, expected)

static void test_make_visible(void **state)
{
        CHECK_VISIBLE("", "");
        CHECK_VISIBLE("abc\r", "abc");
        CHECK_VISIBLE("abc\r\r", "abc");
        CHECK_VISIBLE("10%\r20%\r", "10%\\x0d20%");
        CHECK_VISIBLE("<0>a\tb", "<0>a\tb");
        CHECK_VISIBLE("a\0b\x7f", "a\\x00b\\x7f");
        CHECK_VISIBLE("\033[2J\033]0;title\a", "\\x1b[2J\\x1b]0;title\\x07");
        CHECK_VISIBLE("[\033[0;1;32m  OK  \033[0m]\033[m", "[  OK  ]");
        CHECK_VISIBLE("\033[38:5:196mred", "red");
        CHECK_VISIBLE("\033[1;3", "\\x1b[1;3");
        CHECK_VISIBLE("\xc3\xa4 \xc2\x9b" "2J \xe4 \xe2\x82", "\xc3\xa4 \\xc2\\x9b2J \\xe4 \\xe2\\x82");
}

static void test_whole_characters(void **state)
{
        static const struct { const char *text; size_t whole; } cases[] = {
                { "", 0 }, { "ab", 2 }, { "a\xc3", 1 }, { "a\xc3\xa4", 3 }, { "\xe2", 0 }, { "\xe2\x82", 0 },
                { "\xe2\x82\xac", 3 },
                { "x\xf0\x9f\x93", 1 }, { "x\xf0\x9f\x93\xa6", 5 }, { "\x80\x80\x80\x80", 4 }, { "\xff", 0 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                assert_int_equal(text_whole_characters(cases[i].text, strlen(cases[i].text)), cases[i].whole);
}

static void test_hostname(void **state)
{
        static const char *const good[] = { "a", "deb12", "a-b.c-d", "0", "A.B.C", "a--b",
                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" };
        static const char *const bad[] = { "", ".", "..", ".a", "a.", "a..b", "-a", "a-", "a-.b", "a.-b", "a_b", "a b",
                "a/b", "../x", "\xc3\xa4", "a\n",
                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" };

        for (size_t i = 0; i < ARRAY_SIZE(good); i++)
                assert_null(hostname_problem(good[i]));
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                assert_non_null(hostname_problem(bad[i]));
}

static void test_columns_and_words(void **state)
{
        assert_int_equal(text_columns("größer…", 11), 7);
        assert_int_equal(text_columns("größer…", 2), 2);
        assert_true(text_has_word("list status", "list"));
        assert_true(text_has_word("listen list", "list"));
        assert_true(text_has_word("no CPUWeight, please", "CPUWeight"));
        assert_false(text_has_word("listen relist", "list"));
        assert_false(text_has_word("", "list"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_utf8),
                cmocka_unit_test(test_control),
                cmocka_unit_test(test_make_printable),
                cmocka_unit_test(test_make_lines_printable),
                cmocka_unit_test(test_make_visible),
                cmocka_unit_test(test_whole_characters),
                cmocka_unit_test(test_columns_and_words),
                cmocka_unit_test(test_hostname),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
