/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* JSON is written as it was put, and what can't be written is told. */

#include "test.h"

#include <stdio.h>

#include "util/json-writer.h"

static char *print(const JsonWriter *w, int expected)
{
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        assert_non_null(f);
        assert_int_equal(json_writer_print(w, f), expected);
        assert_int_equal(fclose(f), 0);
        return text;
}

static void test_all_kinds(void **state)
{
        _cleanup_(json_writer_freep) JsonWriter *w = NULL;
        char *words[] = { (char *) "a", (char *) "b\"\n", NULL };
        _cleanup_free_ char *text = NULL;
        Failure failure = { 0 };

        assert_int_equal(json_writer_new(&w, &failure), 0);
        json_begin_object(w, NULL);
        json_put_string(w, "text", "x");
        json_put_string(w, "none", NULL);
        json_put_string(w, "latin1", "K\xe4se");
        json_put_strings(w, "words", words);
        json_put_strings(w, "no words", NULL);
        json_put_format(w, "made", "%d:%d", 1, 2);
        json_put_number(w, "number", -7);
        json_put_bool(w, "yes", true);
        json_put_bool(w, "no", false);
        json_begin_array(w, "list");
        json_begin_object(w, NULL);
        json_put_number(w, "deep", 1);
        json_end(w);
        json_put_string(w, NULL, "last");
        json_end(w);
        json_end(w);
        text = print(w, 0);
        assert_string_equal(text,
                            "{\n  \"text\": \"x\",\n  \"none\": null,\n  \"latin1\": \"K?se\",\n"
                            "  \"words\": [\n    \"a\",\n    \"b\\\"\\n\"\n  ],\n  \"no words\": [],\n"
                            "  \"made\": \"1:2\",\n  \"number\": -7,\n  \"yes\": true,\n  \"no\": false,\n"
                            "  \"list\": [\n    {\n      \"deep\": 1\n    },\n    \"last\"\n  ]\n}\n");
}

static void test_misuse_is_told(void **state)
{
        _cleanup_(json_writer_freep) JsonWriter *empty = NULL, *deep = NULL;
        _cleanup_free_ char *a = NULL, *b = NULL;

        assert_int_equal(json_writer_new(&empty, NULL), 0);
        a = print(empty, -ENOMEM);

        assert_int_equal(json_writer_new(&deep, NULL), 0);
        for (int i = 0; i < 20; i++)
                json_begin_array(deep, NULL);
        json_put_number(deep, NULL, 1);
        for (int i = 0; i < 20; i++)
                json_end(deep);
        b = print(deep, -ENOMEM);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_all_kinds),
                cmocka_unit_test(test_misuse_is_told),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
