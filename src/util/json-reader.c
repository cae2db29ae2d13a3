/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See json-reader.h. The supervisor, on a text that anybody may have written; no privilege. */

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "util/dl.h"
#include "util/json-reader.h"

/* Deeper than any document of use; what reads the nodes goes down by recursion. */
enum { DEPTH_MAX = 64 };

#define JANSSON_FUNCTIONS(F)                                                                            \
        F(json_loadb) F(json_delete) F(json_array_size) F(json_array_get) F(json_object_size)           \
        F(json_object_iter) F(json_object_iter_next) F(json_object_iter_key) F(json_object_iter_value)  \
        F(json_string_value) F(json_integer_value) F(json_real_value)

#define DECLARE(name) typeof(&name) name;

typedef struct Jansson {
        void *library;
        JANSSON_FUNCTIONS(DECLARE)
        size_t left;            /* values that there may still be */
} Jansson;

DL_NOTE(jansson_note, "libjansson.so.4", "recommended", "json", "Output as JSON, and OCI bundles");

static void jansson_close(Jansson *j)
{
        dl_close(j->library);
}

static void node_done(JsonNode *node)
{
        for (size_t i = 0; i < node->n; i++)
                node_done(&node->items[i]);
        free(node->items);
        free(node->string);
        free(node->key);
}

JsonNode *json_node_free(JsonNode *node)
{
        if (node) {
                node_done(node);
                free(node);
        }
        return NULL;
}

static int convert(Jansson *j, const json_t *from, unsigned depth, JsonNode *to);

static int make_room(Jansson *j, JsonNode *to, size_t n)
{
        if (n > j->left)
                return -E2BIG;
        j->left -= n;
        to->items = n > 0 ? calloc(n, sizeof(JsonNode)) : NULL;
        return n > 0 && !to->items ? -ENOMEM : 0;
}

static int convert_item(Jansson *j, const json_t *from, const char *key, unsigned depth, JsonNode *to)
{
        JsonNode *item = &to->items[to->n];

        item->parent = to;
        item->index = to->n++;
        if (key) {
                item->key = strdup(key);
                if (!item->key)
                        return -ENOMEM;
        }
        return convert(j, from, depth + 1, item);
}

static int convert_array(Jansson *j, const json_t *from, unsigned depth, JsonNode *to)
{
        size_t n = j->json_array_size(from);
        int r = make_room(j, to, n);

        to->kind = JSON_NODE_ARRAY;
        for (size_t i = 0; r >= 0 && i < n; i++)
                r = convert_item(j, j->json_array_get(from, i), NULL, depth, to);
        return r;
}

static int convert_object(Jansson *j, const json_t *from, unsigned depth, JsonNode *to)
{
        json_t *object = (json_t *) from;       /* jansson's iterators are for changing objects too */
        int r = make_room(j, to, j->json_object_size(from));

        to->kind = JSON_NODE_OBJECT;
        for (void *i = j->json_object_iter(object); r >= 0 && i; i = j->json_object_iter_next(object, i))
                r = convert_item(j, j->json_object_iter_value(i), j->json_object_iter_key(i), depth, to);
        return r;
}

/* A real that is an integer, and all of whose digits a double holds, was one in the text, or as good as one. */
static void convert_real(double value, JsonNode *to)
{
        to->real = value;
        if (value >= -0x1p53 && value <= 0x1p53 && (double) (int64_t) value == value) {
                to->integral = true;
                to->integer = (int64_t) value;
        }
}

static int convert_string(const char *value, JsonNode *to)
{
        to->kind = JSON_NODE_STRING;
        to->string = strdup(value);
        return to->string ? 0 : -ENOMEM;
}

static int convert(Jansson *j, const json_t *from, unsigned depth, JsonNode *to)
{
        if (depth > DEPTH_MAX)
                return -E2BIG;

        switch (json_typeof(from)) {
        case JSON_OBJECT:
                return convert_object(j, from, depth, to);
        case JSON_ARRAY:
                return convert_array(j, from, depth, to);
        case JSON_STRING:
                return convert_string(j->json_string_value(from), to);
        case JSON_INTEGER:
                to->kind = JSON_NODE_NUMBER;
                to->integral = true;
                to->integer = j->json_integer_value(from);
                to->real = (double) to->integer;
                return 0;
        case JSON_REAL:
                to->kind = JSON_NODE_NUMBER;
                convert_real(j->json_real_value(from), to);
                return 0;
        case JSON_TRUE:
        case JSON_FALSE:
                to->kind = JSON_NODE_BOOL;
                to->boolean = json_typeof(from) == JSON_TRUE;
                return 0;
        default:
                to->kind = JSON_NODE_NULL;
                return 0;
        }
}

/* Numbers beyond 63 bits make jansson give up; then all are read as reals. */
static json_t *load(const Jansson *j, const char *text, size_t size, json_error_t *error)
{
        json_t *root = j->json_loadb(text, size, JSON_REJECT_DUPLICATES, error);

        if (!root && json_error_code(error) == json_error_numeric_overflow)
                root = j->json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, error);
        return root;
}

int json_read(const char *text, size_t size, size_t max, JsonNode **ret, Failure *failure)
{
        _cleanup_(json_node_freep) JsonNode *node = NULL;
        _cleanup_(jansson_close) Jansson j = { .left = max };
        json_error_t error;
        json_t *root;
        int r;

        r = dl_open(&j.library, "libjansson.so.4", JANSSON_FUNCTIONS(DL_NAME_), "JSON", failure);
        if (r < 0)
                return r;
        root = load(&j, text, size, &error);
        if (!root && json_error_code(&error) == json_error_out_of_memory)
                return failure_set(failure, -ENOMEM, "Out of memory");
        if (!root)
                return failure_set(failure, -EBADMSG, "line %d, column %d: %s", error.line, error.column, error.text);

        node = calloc(1, sizeof(JsonNode));
        r = node ? convert(&j, root, 0, node) : -ENOMEM;
        /* json_decref() is inline, and ends in this. */
        if (--root->refcount == 0)
                j.json_delete(root);
        if (r < 0)
                return failure_set(failure, r, r == -E2BIG ? "too many values, or nested too deeply" : "Out of memory");

        *ret = TAKE_PTR(node);
        return 0;
}

const JsonNode *json_node_member(const JsonNode *object, const char *key)
{
        for (size_t i = 0; object->kind == JSON_NODE_OBJECT && i < object->n; i++)
                if (strcmp(object->items[i].key, key) == 0)
                        return &object->items[i];
        return NULL;
}

const char *json_kind_words(JsonKind kind)
{
        static const char *const words[_JSON_NODE_MAX] = {
                [JSON_NODE_NULL] = "null", [JSON_NODE_BOOL] = "true or false", [JSON_NODE_NUMBER] = "a number",
                [JSON_NODE_STRING] = "a string", [JSON_NODE_ARRAY] = "an array", [JSON_NODE_OBJECT] = "an object",
        };

        return words[kind];
}

static void print_path(const JsonNode *node, FILE *f)
{
        if (!node->parent)
                return;
        print_path(node->parent, f);
        fputc('/', f);
        if (!node->key)
                fprintf(f, "%zu", node->index);
        for (const char *p = node->key; p && *p; p++)
                if (*p == '~')
                        fputs("~0", f);
                else if (*p == '/')
                        fputs("~1", f);
                else
                        fputc(*p, f);
}

char *json_node_path(const JsonNode *node)
{
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        if (!f)
                return NULL;
        print_path(node, f);
        if (fclose(f) == 0)
                return text;
        free(text);
        return NULL;
}

int json_node_u64(const JsonNode *node, uint64_t *ret)
{
        if (node->kind != JSON_NODE_NUMBER || (!node->integral && node->real > -0x1p53 && node->real < 0x1p53))
                return -EINVAL;
        if (node->integral && node->integer >= 0)
                *ret = (uint64_t) node->integer;
        else if (!node->integral && node->real == 0x1p64)
                *ret = UINT64_MAX;
        else
                return -ERANGE;
        return 0;
}

int json_node_u32(const JsonNode *node, uint32_t *ret)
{
        uint64_t value;
        int r = json_node_u64(node, &value);

        if (r < 0)
                return r;
        if (value > UINT32_MAX)
                return -ERANGE;
        *ret = (uint32_t) value;
        return 0;
}
