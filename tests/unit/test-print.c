/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* util/print.c, and config/source.c's use of formats. */

#include "test.h"

#include <wchar.h>

#include "config/source.h"
#include "util/print.h"

static void test_strf(void **state)
{
        char poison, *text = &poison;

        assert_int_equal(strf(&text, "%s-%d", "a", 7), 0);
        assert_string_equal(text, "a-7");
        free(text);

        /* No such character in the C locale. */
        text = &poison;
        assert_int_equal(strf(&text, "%ls", L"\x20ac"), -ENOMEM);
        assert_null(text);
}

static void test_memory_stream(void **state)
{
        _cleanup_memory_stream_ MemoryStream m = { 0 }, left_open = { 0 };
        _cleanup_free_ char *text = NULL, *empty = NULL;
        FILE *f = memory_stream_open(&m);

        assert_non_null(f);
        fprintf(f, "%s", "one ");
        fputs("two", f);
        text = memory_stream_take(&m);
        assert_string_equal(text, "one two");
        assert_null(m.file);
        assert_null(m.text);

        /* The same one again, with nothing written. */
        assert_non_null(memory_stream_open(&m));
        empty = memory_stream_take(&m);
        assert_string_equal(empty, "");

        /* Cleanup closes what was not taken; a leak checker sees it. */
        f = memory_stream_open(&left_open);
        assert_non_null(f);
        fputs("x", f);
}

static void test_lines(void **state)
{
        static const char words[] = "Überlange Wörter, … und noch mehr Wörter, die über die Zeile hinaus gehen, und weiter";
        _cleanup_memory_stream_ MemoryStream m = { 0 };
        _cleanup_free_ char *text = NULL;
        FILE *f = memory_stream_open(&m);

        assert_non_null(f);
        print_cut(f, "größer", 6);
        print_cut(f, "größer", 5);
        print_cut(f, "größer", 1);
        print_cut(f, "größer", 0);
        print_filled(f, "one two\n\nthree", 0, 0);
        print_filled(f, words, 0, 2);
        print_help_row(f, "  -x", "text", 6);
        print_help_row(f, "  -xyz", "text", 6);
        text = memory_stream_take(&m);
        assert_string_equal(text, "größer\ngröß…\n…\ngrößer\none two\n\nthree\n"
                                  "Überlange Wörter, … und noch mehr Wörter, die über die Zeile hinaus gehen, und\n"
                                  "  weiter\n"
                                  "  -x  text\n"
                                  "  -xyz\n      text\n");
}

static void test_failure_set_at(void **state)
{
        Failure f = { 0 }, none = { 0 };

        assert_int_equal(failure_set_at(&f, (Source) { "/x.nspawn", 7 }, -ENOENT, "No '%s': %m", "a\nb"), -ENOENT);
        assert_int_equal(failure_set_at(&f, (Source) { "/y.nspawn", 8 }, -EIO, "Later"), -EIO);
        assert_int_equal(f.error, -ENOENT);
        assert_string_equal(f.text, "/x.nspawn:7: No 'a?b': No such file or directory");

        assert_int_equal(failure_set_at(&none, (Source) { 0 }, -EIO, "By default: %m"), -EIO);
        assert_string_equal(none.text, "By default: Input/output error");
        assert_int_equal(failure_set_at(NULL, (Source) { 0 }, -EIO, "Not recorded"), -EIO);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_strf),
                cmocka_unit_test(test_memory_stream),
                cmocka_unit_test(test_lines),
                cmocka_unit_test(test_failure_set_at),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
