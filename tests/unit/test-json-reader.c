/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* JSON as plain data: kinds, numbers at their ends, places, and what is no JSON. */

#include "test.h"

#include <stdio.h>

#include "util/json-reader.h"

static JsonNode *parse(const char *text)
{
        Failure failure = {};
        JsonNode *node = NULL;

        if (json_read(text, strlen(text), 1000, &node, &failure) != 0)
                fail_msg("%s: %s", text, failure.text);
        return node;
}

static void test_kinds(void **state)
{
        _cleanup_(json_node_freep) JsonNode *n = parse("{ \"a\": [true, null, \"x\\u00e9\", -3, 2.5], \"b/~\": {} }");
        const JsonNode *a = json_node_member(n, "a");

        assert_int_equal(n->kind, JSON_NODE_OBJECT);
        assert_int_equal(n->n, 2);
        assert_non_null(a);
        assert_int_equal(a->kind, JSON_NODE_ARRAY);
        assert_true(a->items[0].kind == JSON_NODE_BOOL && a->items[0].boolean);
        assert_int_equal(a->items[1].kind, JSON_NODE_NULL);
        assert_string_equal(a->items[2].string, "x\xc3\xa9");
        assert_true(a->items[3].integral && a->items[3].integer == -3);
        assert_true(!a->items[4].integral && a->items[4].real == 2.5);
        assert_null(json_node_member(n, "c"));
        assert_null(json_node_member(a, "a"));
}

static void expect_path(const JsonNode *n, const char *path)
{
        char *text = json_node_path(n);

        assert_string_equal(text, path);
        free(text);
}

static void test_paths(void **state)
{
        _cleanup_(json_node_freep) JsonNode *n = parse("{ \"a\": [0, [1]], \"b/~\": 1 }");

        expect_path(n, "");
        expect_path(&json_node_member(n, "a")->items[1].items[0], "/a/1/0");
        expect_path(json_node_member(n, "b/~"), "/b~1~0");
}

static void expect_u64(const char *text, int r, uint64_t value)
{
        _cleanup_(json_node_freep) JsonNode *n = NULL;
        char array[64];
        uint64_t u = 0;

        (void) snprintf(array, sizeof(array), "[%s]", text);
        n = parse(array);
        assert_int_equal(json_node_u64(&n->items[0], &u), r);
        assert_int_equal(u, value);
}

static void test_numbers(void **state)
{
        _cleanup_(json_node_freep) JsonNode *n = parse("[4294967295, 4294967296, 18446744073709551615]");
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

static void test_what_is_none(void **state)
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
        char deep[257] = "";

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                JsonNode *n = NULL;
                Failure failure = {};

                assert_int_equal(json_read(bad[i].text, strlen(bad[i].text), 8, &n, &failure), bad[i].error);
                assert_null(n);
                if (!strstr(failure.text, bad[i].word))
                        fail_msg("'%s' does not say '%s'", failure.text, bad[i].word);
        }

        memset(deep, '[', 128);
        memset(deep + 128, ']', 128);
        {
                JsonNode *n = NULL;

                assert_int_equal(json_read(deep, 256, 1000, &n, NULL), -E2BIG);
                assert_null(n);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_kinds),
                cmocka_unit_test(test_paths),
                cmocka_unit_test(test_numbers),
                cmocka_unit_test(test_what_is_none),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
