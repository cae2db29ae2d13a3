/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * JSON written from the outside in, by jansson, which is loaded for the occasion: programs that seldom write any do not pay
 * for it when they start. A call that fails (there is no memory) is remembered, and told by json_writer_print().
 */

#include <stdio.h>

#include "util/failure.h"

typedef struct JsonWriter JsonWriter;

/* -ENOSYS where jansson is not installed. */
int json_writer_new(JsonWriter **ret, Failure *failure);
JsonWriter *json_writer_free(JsonWriter *w);
DEFINE_CLEANUP(JsonWriter *, json_writer_free);

/* The first begins the whole. key is a member's name in an object, NULL in an array. */
void json_begin_object(JsonWriter *w, const char *key);
void json_begin_array(JsonWriter *w, const char *key);
void json_end(JsonWriter *w);

/* NULL is null. What is not UTF-8 is made so, with question marks. */
void json_put_string(JsonWriter *w, const char *key, const char *text);
void json_put_strings(JsonWriter *w, const char *key, char *const *texts);
void json_put_format(JsonWriter *w, const char *key, const char *format, ...) _printf_(3, 4);
void json_put_number(JsonWriter *w, const char *key, int64_t number);
void json_put_bool(JsonWriter *w, const char *key, bool b);

/* Prints all of it, indented. Every begin has had its end. */
int json_writer_print(const JsonWriter *w, FILE *f);
