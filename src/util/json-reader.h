/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * JSON read whole, as plain data: by jansson, which is loaded for the occasion and gone before anybody looks at the result.
 */

#include "util/failure.h"

typedef enum JsonKind {
        JSON_NODE_NULL,
        JSON_NODE_BOOL,
        JSON_NODE_NUMBER,
        JSON_NODE_STRING,
        JSON_NODE_ARRAY,
        JSON_NODE_OBJECT,
        _JSON_NODE_MAX,
} JsonKind;

typedef struct JsonNode JsonNode;
struct JsonNode {
        JsonKind kind;
        bool boolean;
        bool integral;          /* a number that integer holds */
        int64_t integer;
        double real;            /* any number, as near as can be */
        char *string;           /* UTF-8, without NULs */
        JsonNode *items;        /* of an array or an object, in their order */
        size_t n;
        char *key;              /* of a member */
        size_t index;           /* among its parent's */
        const JsonNode *parent;
};

/* At most max values, all together; a member that is given twice is an error. The failure tells the line. -EBADMSG: not JSON;
 * -E2BIG: too many values, or nested too deeply; -ENOSYS where jansson is not installed. */
int json_read(const char *text, size_t size, size_t max, JsonNode **ret, Failure *failure);
JsonNode *json_node_free(JsonNode *node);
DEFINE_CLEANUP(JsonNode *, json_node_free);

/* The member of an object, or NULL. */
const JsonNode *json_node_member(const JsonNode *object, const char *key);

/* "an object", "a string"… */
const char *json_kind_words(JsonKind kind);

/* Where the node is, as a JSON Pointer (RFC 6901): "/process/args/0", "" for the whole. To be freed; NULL without memory. */
char *json_node_path(const JsonNode *node);

/* The number: -EINVAL where it is none or not whole, -ERANGE where it is negative or too large to be read exactly. Numbers
 * from 2^53 on that do not fit into 63 bits have lost their last digits, but for 2^64 - 1, which stands for "no limit"
 * everywhere. */
int json_node_u64(const JsonNode *node, uint64_t *ret);
int json_node_u32(const JsonNode *node, uint32_t *ret);
