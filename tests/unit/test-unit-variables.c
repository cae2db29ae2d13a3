/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What systemd 252 and 257 make of the same words and variables; tests/system/test_check.py compares them. */

#include "test.h"

#include "util/strv.h"
#include "util/unit-variables.h"

static char *const environment[] = { (char *) "A=one", (char *) "B=x  y", (char *) "C=", (char *) "Q='a b' c\"d",
                                     (char *) "E=a\\nb\\ c 'un closed", (char *) "W= \t ", NULL };

static void expect(const char *word, const char *const wanted[], const char *unset)
{
        char *const words[] = { (char *) word, NULL };
        char **got = NULL, **missing = NULL;
        size_t n = 0;

        assert_int_equal(unit_variables_expand(words, environment, &got, &missing), 0);
        for (; wanted[n]; n++) {
                assert_true(n < strv_length(got));
                assert_string_equal(got[n], wanted[n]);
        }
        assert_int_equal(strv_length(got), n);
        assert_int_equal(strv_length(missing), unset ? 1 : 0);
        if (unset)
                assert_string_equal(missing[0], unset);
        strv_free(got);
        strv_free(missing);
}

#define EXPECT(word, unset, ...) expect(word, (const char *const[]) { __VA_ARGS__ __VA_OPT__(,) NULL }, unset)

static void test_within_a_word(void **state)
{
        EXPECT("", NULL, "");
        EXPECT("plain", NULL, "plain");
        EXPECT("${B}", NULL, "x  y");
        EXPECT("x${A}y${C}z", NULL, "xoneyz");
        EXPECT("--bind=${A}:${A}", NULL, "--bind=one:one");
        EXPECT("${C}", NULL, "");
        EXPECT("${NO}", "NO", "");
        EXPECT("x${NO}y${NO}", "NO", "xy");
        EXPECT("${}", "", "");
        EXPECT("x$A", NULL, "x$A");
        EXPECT("${A", NULL, "${A");
        EXPECT("${A:-d}", NULL, "${A:-d}");
}

static void test_a_word(void **state)
{
        EXPECT("$A", NULL, "one");
        EXPECT("$B", NULL, "x", "y");
        EXPECT("$C", NULL);
        EXPECT("$W", NULL);
        EXPECT("$NO", "NO");
        EXPECT("$", "");
        EXPECT("$A-b", "A-b");
        EXPECT("$Q", NULL, "a b", "cd");
        EXPECT("$E", NULL, "anb c", "un closed");
}

static void test_dollars(void **state)
{
        EXPECT("$$A", NULL, "$A");
        EXPECT("$${A}", NULL, "${A}");
        EXPECT("a$", NULL, "a$");
        EXPECT("a$$b$$", NULL, "a$b$");
}

static void test_words(void **state)
{
        char *const words[] = { (char *) "box-run", (char *) "$NO", (char *) "$B", (char *) "${NO}", (char *) "$ZZ", NULL };
        _cleanup_strv_ char **got = NULL, **missing = NULL;

        assert_int_equal(unit_variables_expand(words, environment, &got, &missing), 0);
        assert_int_equal(strv_length(got), 4);
        assert_string_equal(got[1], "x");
        assert_string_equal(got[3], "");
        assert_int_equal(strv_length(missing), 2);
        assert_string_equal(missing[1], "ZZ");
        strv_free(got);
        strv_free(missing);
        assert_int_equal(unit_variables_expand(NULL, NULL, &got, &missing), 0);
        assert_null(got);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_within_a_word),
                cmocka_unit_test(test_a_word),
                cmocka_unit_test(test_dollars),
                cmocka_unit_test(test_words),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
