/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "test.h"

#include "util/env-file.h"

static void expect(const char *text, const char *const wanted[])
{
        _cleanup_free_ char *copy = strdup(text);
        char *rest = copy, *entry;

        assert_non_null(copy);
        for (; (entry = env_file_next(&rest)); wanted++) {
                assert_non_null(*wanted);
                assert_string_equal(entry, *wanted);
        }
        assert_null(*wanted);
}

#define EXPECT(text, ...) expect(text, (const char *const[]) { __VA_ARGS__ __VA_OPT__(,) NULL })

static void test_lines(void **state)
{
        EXPECT("");
        EXPECT("\n\n# A=b\n ; A=b\nbroken\n=x\n");
        EXPECT("ID=debian\n\nVERSION_ID=\"12\"\r\n  NAME='a b'\nLAST=no-newline", "ID=debian", "VERSION_ID=12", "NAME=a b",
               "LAST=no-newline");
        EXPECT("A=1\nA=2\nEMPTY=\nTWICE=a=b\n", "A=1", "A=2", "EMPTY=", "TWICE=a=b");
}

static void test_blanks(void **state)
{
        EXPECT("A = b c \nB\t=x\nC= \" y\"\nD =\n", "A=b c", "B=x", "C= y", "D=");
}

static void test_quotes(void **state)
{
        EXPECT("A=\"q\\\"\\$\\n\"", "A=q\"$\\n");
        EXPECT("A='a\\b'", "A=a\\b");
        EXPECT("A=a\\ b\\n", "A=a bn");
        EXPECT("A=\"a\"'b'c", "A=abc");
        EXPECT("A=b \t\nB=\"b \" ", "A=b", "B=b ");
        EXPECT("A=\"it's\"\nB='\"'", "A=it's", "B=\"");
        EXPECT("A=x\\ ", "A=x ");
}

static void test_unbalanced(void **state)
{
        EXPECT("A=\"open\nB='open \nC=x\"", "A=open", "B=open ", "C=x");
        EXPECT("A=\"\\\nB='\nC=\\", "A=\\", "B=", "C=\\");
}

static void test_long(void **state)
{
        size_t size = 1 << 20;
        char *text = malloc(size + 1), *rest = text;

        assert_non_null(text);
        memset(text, '"', size);
        memcpy(text, "A=\\", 3);
        text[size] = 0;
        assert_string_equal(env_file_next(&rest), "A=\"");
        assert_null(env_file_next(&rest));
        free(text);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_lines),
                cmocka_unit_test(test_blanks),
                cmocka_unit_test(test_quotes),
                cmocka_unit_test(test_unbalanced),
                cmocka_unit_test(test_long),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
