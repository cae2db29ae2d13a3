/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "test.h"

#include "util/specifier.h"

static int look_up(char letter, const void *userdata, char **ret)
{
        assert_ptr_equal(userdata, look_up);
        if (letter == 'f')
                return -EIO;
        *ret = letter == 'i' ? strdup("my-web") : letter == '1' ? strdup("") : letter == 'p' ? strdup("%i") : NULL;
        return *ret != NULL;
}

static void expands(const char *text, const char *to)
{
        _cleanup_free_ char *got = NULL;
        char letter;

        assert_int_equal(specifier_expand(text, look_up, look_up, &got, &letter), 0);
        assert_string_equal(got, to);
}

static void test_expand(void **state)
{
        expands("", "");
        expands("/srv/x", "/srv/x");
        expands("%i", "my-web");
        expands("/srv/%i/%i:/srv%1", "/srv/my-web/my-web:/srv");
        expands("%%", "%");
        expands("%%i %%%i", "%i %my-web");
        expands("%p", "%i");            /* once only */
}

/* As in systemd: percentages need no second sign. */
static void test_percent(void **state)
{
        expands("25%", "25%");
        expands("size=25%,mode=0755", "size=25%,mode=0755");
        expands("50% 60%", "50% 60%");
        expands("% i", "% i");
        expands("%-i", "%-i");
        expands("%\xc3\xa9", "%\xc3\xa9");
}

static void test_refused(void **state)
{
        static const struct { const char *text; int error; char letter; } bad[] = {
                { "%z", -EBADSLT, 'z' }, { "%i%9", -EBADSLT, '9' }, { "100%x%i", -EBADSLT, 'x' }, { "%f", -EIO, 'f' },
        };

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                char *got = NULL, letter = 0;

                assert_int_equal(specifier_expand(bad[i].text, look_up, look_up, &got, &letter), bad[i].error);
                assert_int_equal(letter, bad[i].letter);
                assert_null(got);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_expand),
                cmocka_unit_test(test_percent),
                cmocka_unit_test(test_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
