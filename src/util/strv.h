/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/macro.h"

/* NULL-terminated arrays of strings, owned as a whole. NULL is the empty one. */

char **strv_free(char **v);
DEFINE_CLEANUP(char **, strv_free);
#define _cleanup_strv_ _cleanup_(strv_freep)

size_t strv_length(char *const *v);

/* Append a string; consume takes ownership in every case (a NULL s is -ENOMEM). */
int strv_extend(char ***v, const char *s);
int strv_consume(char ***v, char *s);

/* "NAME=VALUE" into an environment: replaces an entry of that name. */
int strv_env_set(char ***v, const char *name, const char *value);
const char *strv_env_get(char *const *v, const char *name);

bool strv_contains(char *const *v, const char *s);

#define STRV_FOREACH(s, v) for (char *const *s = (v); s && *s; s++)

/* Replaces *field with a copy of text, which may be NULL. 0 or -ENOMEM. */
int free_and_strdup(char **field, const char *text);

/* Appends a zeroed element to an array that grows as needed: *array holds *n elements of size bytes. The new element,
 * or NULL without memory. */
void *array_append(void *array, size_t *n, size_t size);

/* The same, and moves *item there: *item is zeroed. 0 or -ENOMEM. */
int array_move(void *array, size_t *n, void *item, size_t size);
