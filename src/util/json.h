/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * JSON documents, read or written by jansson. The library is loaded and unloaded with each document, so that a program pays
 * for it only when it meets JSON. A document owns its nodes and their strings: copy what has to live longer.
 */

#include <stdio.h>

#include "util/failure.h"

typedef struct Json Json;

Json *json_free(Json *j);
DEFINE_CLEANUP(Json *, json_free);
#define _cleanup_json_ _cleanup_(json_freep)

/* ---- reading -------------------------------------------------------------------------------------------------- */

typedef enum JsonKind {
        JSON_NODE_NULL,
        JSON_NODE_BOOL,
        JSON_NODE_NUMBER,
        JSON_NODE_STRING,
        JSON_NODE_ARRAY,
        JSON_NODE_OBJECT,
        _JSON_NODE_MAX,
} JsonKind;

/* One value. */
typedef struct JsonNode JsonNode;
struct JsonNode {
        JsonKind kind;
        bool boolean;
        bool integral;          /* a number that integer holds */
        int64_t integer;
        double real;            /* any number, rounded */
        const char *string;     /* UTF-8, without NULs */
        JsonNode *items;        /* of an array or an object, in their order */
        size_t n;
        const char *key;        /* of a member of an object */
        size_t index;           /* in the parent's items */
        const JsonNode *parent;
        struct json_t *value;   /* jansson's */
};

#define JSON_FOREACH(item, list)                                                                                \
        for (const JsonNode *item##_list = (list), *item = item##_list ? item##_list->items : NULL;             \
             item && item < item##_list->items + item##_list->n; item++)

/* Reads a text with at most max values below the root. A member that is given twice is an error. -EBADMSG: not JSON, and the
 * failure tells the line; -E2BIG: more values, or nested too deeply; -ENOSYS: jansson is not installed. */
int json_read(const char *text, size_t size, size_t max, Json **ret, Failure *failure);
const JsonNode *json_root(const Json *j);

/* The member of an object, its string, whether it is true. NULL and false: it is missing, or node is no object or NULL. */
const JsonNode *json_member(const JsonNode *node, const char *key);
const char *json_member_string(const JsonNode *node, const char *key);
bool json_member_bool(const JsonNode *node, const char *key);

/* "an object", "a string"… */
const char *json_kind_words(JsonKind kind);

/* The place of a node as a JSON Pointer (RFC 6901): "/process/args/0", "" for the root. The caller frees it. NULL: no memory. */
char *json_node_path(const JsonNode *node);

/* The number: -EINVAL if it is no whole number, -ERANGE if it is negative or too large. From 2^63 on, numbers lose their last
 * digits and are refused, but for 2^64 - 1, which means "no limit" in many formats. */
int json_node_u64(const JsonNode *node, uint64_t *ret);
int json_node_u32(const JsonNode *node, uint32_t *ret);

/* ---- writing -------------------------------------------------------------------------------------------------- */

/* An empty document. A later call that fails for want of memory is remembered, and json_print() returns -ENOMEM. */
int json_new(Json **ret, Failure *failure);

/* The first begins the root. key: the member's name in an object, NULL in an array. */
void json_begin_object(Json *j, const char *key);
void json_begin_array(Json *j, const char *key);
void json_end(Json *j);

/* NULL becomes null. In a text that is not UTF-8, '?' takes the place of other bytes. */
void json_put_string(Json *j, const char *key, const char *text);
void json_put_strings(Json *j, const char *key, char *const *texts);
void json_put_format(Json *j, const char *key, const char *format, ...) _printf_(3, 4);
void json_put_number(Json *j, const char *key, int64_t number);
void json_put_bool(Json *j, const char *key, bool b);
void json_put_node(Json *j, const char *key, const JsonNode *node);     /* another document's */

/* Prints the document, once every begin has had its end, and a line end. indent 0: in one line. 0, -ENOMEM, -EIO. */
int json_print(const Json *j, FILE *f, unsigned indent);
