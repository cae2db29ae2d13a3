/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * JSON documents (see json.h). The supervisor reads OCI bundles, which are hostile, and prints plans; boxctl reads those, and
 * prints JSON of its own. No privilege.
 */

#include <jansson.h>
#include <stdarg.h>
#include <string.h>

#include "util/dl.h"
#include "util/json.h"
#include "util/print.h"
#include "util/strv.h"
#include "util/text.h"

/* Levels of arrays and objects. Limited since readers recurse. */
enum { READ_DEPTH_MAX = 64, WRITE_DEPTH_MAX = 16 };

#define JANSSON_FUNCTIONS(F)                                                                                    \
        F(json_object) F(json_array) F(json_string) F(json_integer) F(json_true) F(json_false) F(json_null)     \
        F(json_object_set_new) F(json_array_append_new) F(json_dumpf) F(json_delete) F(json_loadb)              \
        F(json_array_size) F(json_array_get) F(json_object_size) F(json_object_iter) F(json_object_iter_next)   \
        F(json_object_iter_key) F(json_object_iter_value) F(json_string_value) F(json_integer_value)            \
        F(json_real_value)

DL_LIBRARY(Jansson, jansson, JANSSON_FUNCTIONS, "libjansson.so.4", "recommended", "json",
           "Output as JSON, and OCI bundles");

struct Json {
        Jansson lib;
        json_t *root;
        JsonNode *nodes;                        /* when read: the root's, then the items of each node side by side */
        size_t n, max;
        json_t *stack[WRITE_DEPTH_MAX];         /* when written: what is open, each owned by the one before */
        size_t depth;
        bool failed;
};

int json_new(Json **ret, Failure *failure)
{
        _cleanup_json_ Json *j = calloc(1, sizeof(Json));
        int r;

        if (!j)
                return failure_set(failure, -ENOMEM, "Out of memory");
        r = jansson_open(&j->lib, "JSON", failure);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(j);
        return 0;
}

Json *json_free(Json *j)
{
        if (!j)
                return NULL;
        /* json_decref() is inline, and would link the program to jansson. */
        if (j->root && --j->root->refcount == 0)
                j->lib.json_delete(j->root);
        jansson_close(&j->lib);
        free(j->nodes);
        free(j);
        return NULL;
}

/* ---- reading -------------------------------------------------------------------------------------------------- */

/* A real that is an integer below 2^53 has all its digits. */
static void fill_number(const Json *j, const json_t *value, JsonNode *node)
{
        node->kind = JSON_NODE_NUMBER;
        node->integral = json_is_integer(value);
        node->integer = node->integral ? j->lib.json_integer_value(value) : 0;
        node->real = node->integral ? (double) node->integer : j->lib.json_real_value(value);
        if (!node->integral && node->real >= -0x1p53 && node->real <= 0x1p53) {
                node->integer = (int64_t) node->real;
                node->integral = (double) node->integer == node->real;
        }
}

/* Fills the node of a value, and nodes for all below. */
static int fill(Json *j, json_t *value, unsigned depth, JsonNode *node)
{
        bool is_object = json_is_object(value);
        void *iterator = NULL;
        int r = 0;

        node->value = value;
        if (json_is_string(value)) {
                node->kind = JSON_NODE_STRING;
                node->string = j->lib.json_string_value(value);
        } else if (json_is_number(value))
                fill_number(j, value, node);
        else if (json_is_boolean(value)) {
                node->kind = JSON_NODE_BOOL;
                node->boolean = json_is_true(value);
        }
        if (!is_object && !json_is_array(value))
                return 0;

        node->kind = is_object ? JSON_NODE_OBJECT : JSON_NODE_ARRAY;
        node->n = is_object ? j->lib.json_object_size(value) : j->lib.json_array_size(value);
        node->items = j->nodes + j->n;
        if (node->n > j->max - j->n || (node->n > 0 && depth == READ_DEPTH_MAX))
                return -E2BIG;
        j->n += node->n;
        if (is_object)
                iterator = j->lib.json_object_iter(value);
        for (size_t i = 0; r >= 0 && i < node->n; i++) {
                JsonNode *item = &node->items[i];

                item->parent = node;
                item->index = i;
                item->key = is_object ? j->lib.json_object_iter_key(iterator) : NULL;
                r = fill(j, is_object ? j->lib.json_object_iter_value(iterator) : j->lib.json_array_get(value, i), depth + 1,
                         item);
                if (is_object)
                        iterator = j->lib.json_object_iter_next(value, iterator);
        }
        return r;
}

int json_read(const char *text, size_t size, size_t max, Json **ret, Failure *failure)
{
        _cleanup_json_ Json *j = NULL;
        json_error_t error;
        int r;

        r = json_new(&j, failure);
        if (r < 0)
                return r;
        j->root = j->lib.json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
        /* One number beyond 63 bits makes jansson refuse the text; then all numbers are read as reals. */
        if (!j->root && json_error_code(&error) == json_error_numeric_overflow)
                j->root = j->lib.json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, &error);
        if (!j->root && json_error_code(&error) != json_error_out_of_memory)
                return failure_set(failure, -EBADMSG, "line %d, column %d: %s", error.line, error.column, error.text);

        /* Before each value but the root there is one of these. */
        j->n = j->max = 1;
        for (const char *p = text; p < text + size && j->max <= max; p++)
                j->max += *p == ',' || *p == '[' || *p == '{';
        j->nodes = j->root ? calloc(j->max, sizeof(JsonNode)) : NULL;
        if (!j->nodes)
                return failure_set(failure, -ENOMEM, "Out of memory");
        r = fill(j, j->root, 0, j->nodes);
        if (r < 0)
                return failure_set(failure, r, "too many values, or nested too deeply");

        *ret = TAKE_PTR(j);
        return 0;
}

const JsonNode *json_root(const Json *j)
{
        return j->nodes;
}

const JsonNode *json_member(const JsonNode *node, const char *key)
{
        JSON_FOREACH(item, node)
                if (item->key && strcmp(item->key, key) == 0)
                        return item;
        return NULL;
}

const char *json_member_string(const JsonNode *node, const char *key)
{
        const JsonNode *member = json_member(node, key);

        return member ? member->string : NULL;
}

bool json_member_bool(const JsonNode *node, const char *key)
{
        const JsonNode *member = json_member(node, key);

        return member && member->boolean;
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
                if (*p == '~' || *p == '/')
                        fputs(*p == '~' ? "~0" : "~1", f);
                else
                        fputc(*p, f);
}

char *json_node_path(const JsonNode *node)
{
        _cleanup_memory_stream_ MemoryStream m = { 0 };
        FILE *f = memory_stream_open(&m);

        if (!f)
                return NULL;
        print_path(node, f);
        return memory_stream_take(&m);
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

/* ---- writing -------------------------------------------------------------------------------------------------- */

/* Puts value (taken over; NULL: out of memory) where the writer is. */
static bool put(Json *j, const char *key, json_t *value)
{
        json_t *parent = j->depth > 0 && j->depth <= WRITE_DEPTH_MAX ? j->stack[j->depth - 1] : NULL;
        int r;

        if (!parent && !j->root && value) {
                j->root = value;
                return true;
        }

        /* Both take value over, also when they fail, and accept NULL. */
        r = key ? j->lib.json_object_set_new(parent, key, value) : j->lib.json_array_append_new(parent, value);
        j->failed = j->failed || r < 0;
        return r >= 0;
}

static void begin(Json *j, const char *key, json_t *container)
{
        bool ok = put(j, key, container);

        if (j->depth < WRITE_DEPTH_MAX)
                j->stack[j->depth] = ok ? container : NULL;
        else
                j->failed = true;
        j->depth++;
}

void json_begin_object(Json *j, const char *key)
{
        begin(j, key, j->lib.json_object());
}

void json_begin_array(Json *j, const char *key)
{
        begin(j, key, j->lib.json_array());
}

void json_end(Json *j)
{
        j->depth--;
}

void json_put_string(Json *j, const char *key, const char *text)
{
        _cleanup_free_ char *fit = NULL;

        if (text && !text_is_utf8(text, strlen(text))) {
                fit = strdup(text);
                if (fit)
                        text_make_printable(fit);
                text = fit;
                j->failed = j->failed || !fit;
        }
        (void) put(j, key, text ? j->lib.json_string(text) : j->lib.json_null());
}

void json_put_strings(Json *j, const char *key, char *const *texts)
{
        json_begin_array(j, key);
        STRV_FOREACH(text, texts)
                json_put_string(j, NULL, *text);
        json_end(j);
}

void json_put_format(Json *j, const char *key, const char *format, ...)
{
        _cleanup_free_ char *text = NULL;
        va_list ap;

        va_start(ap, format);
        j->failed = strfv(&text, format, ap) < 0 || j->failed;
        va_end(ap);
        json_put_string(j, key, text);
}

void json_put_number(Json *j, const char *key, int64_t number)
{
        (void) put(j, key, j->lib.json_integer(number));
}

void json_put_bool(Json *j, const char *key, bool b)
{
        (void) put(j, key, b ? j->lib.json_true() : j->lib.json_false());
}

void json_put_node(Json *j, const char *key, const JsonNode *node)
{
        (void) put(j, key, json_incref(node->value));
}

/* jansson leaves DEL and U+0080 to U+009F as they are, which a terminal obeys. They can only be in strings. */
static void put_escaped(const char *text, FILE *f)
{
        for (const unsigned char *p = (const unsigned char *) text; *p; p++)
                if (*p == 0x7f)
                        fputs("\\u007f", f);
                else if (*p == 0xc2 && p[1] < 0xa0)
                        fprintf(f, "\\u%04x", (unsigned) *++p);
                else
                        fputc(*p, f);
        fputc('\n', f);
}

int json_print(const Json *j, FILE *f, unsigned indent)
{
        _cleanup_memory_stream_ MemoryStream m = { 0 };
        FILE *text = memory_stream_open(&m);
        _cleanup_free_ char *dump = NULL;

        if (j->failed || !j->root || !text)
                return -ENOMEM;
        if (j->lib.json_dumpf(j->root, text, indent > 0 ? JSON_INDENT(indent) : JSON_COMPACT) < 0)
                return -EIO;
        dump = memory_stream_take(&m);
        if (!dump)
                return -ENOMEM;
        put_escaped(dump, f);
        return fflush(f) == 0 && !ferror(f) ? 0 : -EIO;
}
