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
                cmocka_unit_test(test_columns_and_words),
                cmocka_unit_test(test_hostname),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
