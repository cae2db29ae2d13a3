/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* JSON is read as plain data and written as it was put; what is not JSON, or too much, is refused. */

#include "test.h"

#include <stdio.h>

#include "util/json.h"
#include "util/print.h"

static Json *parse(const char *text)
{
        Failure failure = {};
        Json *j = NULL;

        if (json_read(text, strlen(text), 1000, &j, &failure) != 0)
                fail_msg("%s: %s", text, failure.text);
        return j;
}

static void test_kinds(void **state)
{
        _cleanup_json_ Json *j = parse("{ \"a\": [true, null, \"x\\u00e9\", -3, 2.5], \"b/~\": {} }");
        const JsonNode *n = json_root(j), *a = json_member(n, "a");

        assert_int_equal(n->kind, JSON_NODE_OBJECT);
        assert_int_equal(n->n, 2);
        assert_non_null(a);
        assert_int_equal(a->kind, JSON_NODE_ARRAY);
        assert_true(a->items[0].kind == JSON_NODE_BOOL && a->items[0].boolean);
        assert_int_equal(a->items[1].kind, JSON_NODE_NULL);
        assert_string_equal(a->items[2].string, "x\xc3\xa9");
        assert_true(a->items[3].integral && a->items[3].integer == -3);
        assert_true(!a->items[4].integral && a->items[4].real == 2.5);
        assert_null(json_member(n, "c"));
        assert_null(json_member(a, "a"));
}

static void expect_path(const JsonNode *n, const char *path)
{
        char *text = json_node_path(n);

        assert_string_equal(text, path);
        free(text);
}

static void test_paths(void **state)
{
        _cleanup_json_ Json *j = parse("{ \"a\": [0, [1]], \"b/~\": 1 }");
        const JsonNode *n = json_root(j);

        expect_path(n, "");
        expect_path(&json_member(n, "a")->items[1].items[0], "/a/1/0");
        expect_path(json_member(n, "b/~"), "/b~1~0");
}

static void expect_u64(const char *text, int r, uint64_t value)
{
        _cleanup_json_ Json *j = NULL;
        char array[64];
        uint64_t u = 0;

        (void) snprintf(array, sizeof(array), "[%s]", text);
        j = parse(array);
        assert_int_equal(json_node_u64(&json_root(j)->items[0], &u), r);
        assert_int_equal(u, value);
}

static void test_numbers(void **state)
{
        _cleanup_json_ Json *j = parse("[4294967295, 4294967296, 18446744073709551615]");
        const JsonNode *n = json_root(j);
        uint32_t u = 0;

        expect_u64("0", 0, 0);
        expect_u64("9223372036854775807", 0, INT64_MAX);
        expect_u64("18446744073709551615", 0, UINT64_MAX);
        expect_u64("-1", -ERANGE, 0);
        expect_u64("9223372036854775809", -ERANGE, 0);
        expect_u64("1e300", -ERANGE, 0);
        expect_u64("1.5", -EINVAL, 0);
        expect_u64("2.0", 0, 2);
        expect_u64("\"1\"", -EINVAL, 0);

        /* One that is too large does not spoil the others. */
        assert_int_equal(json_node_u32(&n->items[0], &u), 0);
        assert_int_equal(u, UINT32_MAX);
        assert_int_equal(json_node_u32(&n->items[1], &u), -ERANGE);
}

static void test_read_refuses(void **state)
{
        static const struct { const char *text, *word; int error; } bad[] = {
                { "", "line 1", -EBADMSG },
                { "{", "line 1", -EBADMSG },
                { "[1,]", "line 1", -EBADMSG },
                { "[]\n[]", "line 2", -EBADMSG },
                { "{ \"a\": 1, \"a\": 2 }", "duplicate", -EBADMSG },
                { "[\"\\u0000\"]", "line 1", -EBADMSG },
                { "[\"\xff\"]", "line 1", -EBADMSG },
                { "[1,2,3,4,5,6,7,8,9]", "too many values", -E2BIG },
        };
        Json *none = NULL;
        char deep[257] = "";

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                Json *j = NULL;
                Failure failure = {};

                assert_int_equal(json_read(bad[i].text, strlen(bad[i].text), 8, &j, &failure), bad[i].error);
                assert_null(j);
                if (!strstr(failure.text, bad[i].word))
                        fail_msg("'%s' does not say '%s'", failure.text, bad[i].word);
        }

        /* The root is at depth 0, and 64 is the deepest. */
        memset(deep, '[', 128);
        memset(deep + 128, ']', 128);
        assert_int_equal(json_read(deep, 256, 1000, &none, NULL), -E2BIG);
        assert_int_equal(json_read(deep + 128 - 66, 2 * 66, 1000, &none, NULL), -E2BIG);
        assert_null(none);
        deep[128 + 65] = '\0';
        json_free(parse(deep + 128 - 65));
}

static char *print(const Json *w, int expected)
{
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        assert_non_null(f);
        assert_int_equal(json_print(w, f, 2), expected);
        assert_int_equal(fclose(f), 0);
        return text;
}

static void test_write(void **state)
{
        _cleanup_json_ Json *w = NULL;
        char *words[] = { (char *) "a", (char *) "b\"\n", NULL };
        _cleanup_free_ char *text = NULL;
        Failure failure = { 0 };

        assert_int_equal(json_new(&w, &failure), 0);
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

static void test_write_misuse(void **state)
{
        _cleanup_json_ Json *empty = NULL, *deep = NULL;
        _cleanup_free_ char *a = NULL, *b = NULL;

        assert_int_equal(json_new(&empty, NULL), 0);
        a = print(empty, -ENOMEM);

        assert_int_equal(json_new(&deep, NULL), 0);
        for (int i = 0; i < 20; i++)
                json_begin_array(deep, NULL);
        json_put_number(deep, NULL, 1);
        for (int i = 0; i < 20; i++)
                json_end(deep);
        b = print(deep, -ENOMEM);
}

/* A node of another document, which may be freed first; in one line. */
static void test_write_node(void **state)
{
        Json *from = parse("{ \"a\": [1, \"x\"] }");
        _cleanup_memory_stream_ MemoryStream m = { 0 };
        _cleanup_free_ char *text = NULL;
        _cleanup_json_ Json *j = NULL;
        FILE *f = memory_stream_open(&m);

        assert_int_equal(json_new(&j, NULL), 0);
        json_begin_array(j, NULL);
        json_put_node(j, NULL, json_member(json_root(from), "a"));
        json_end(j);
        json_free(from);
        assert_non_null(f);
        assert_int_equal(json_print(j, f, 0), 0);
        text = memory_stream_take(&m);
        assert_string_equal(text, "[[1,\"x\"]]\n");
}

/* Text that a terminal would obey is escaped: it stays the same text to a program. */
static void test_write_controls(void **state)
{
        static const char hostile[] = "\033[2J\x7f\xc2\x9b" "31m\xc2\xa0\xc3\xa4\n";
        _cleanup_free_ char *text = NULL;
        _cleanup_json_ Json *w = NULL, *back = NULL;

        assert_int_equal(json_new(&w, NULL), 0);
        json_begin_object(w, NULL);
        json_put_string(w, hostile, hostile);
        json_end(w);
        text = print(w, 0);
        assert_non_null(strstr(text, "\\u001B[2J\\u007f\\u009b31m\xc2\xa0\xc3\xa4\\n\": \""));
        for (const char *p = text; *p; p++)
                assert_true((unsigned char) *p >= ' ' || *p == '\n');
        assert_int_equal(json_read(text, strlen(text), 8, &back, NULL), 0);
        assert_string_equal(json_member_string(json_root(back), hostile), hostile);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_kinds),
                cmocka_unit_test(test_paths),
                cmocka_unit_test(test_numbers),
                cmocka_unit_test(test_read_refuses),
                cmocka_unit_test(test_write),
                cmocka_unit_test(test_write_misuse),
                cmocka_unit_test(test_write_node),
                cmocka_unit_test(test_write_controls),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
