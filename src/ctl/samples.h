/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Sample settings files, for boxctl new. */

#include "util/failure.h"

typedef struct Sample {
        char *name;             /* "database" */
        char *about;            /* a sentence */
} Sample;

/* All in a directory (NULL: the installed ones), sorted by name. -ENOENT: there is no such directory. */
int samples_list(const char *dir, Sample **ret, size_t *ret_n, Failure *failure);
void samples_free(Sample *list, size_t n);

/* The text of one. -EINVAL and a failure that names the nearest, and all: there is no such sample. The caller frees *ret. */
int sample_read(const char *dir, const char *name, char **ret, Failure *failure);

/* A sample's purpose: the first sentence of the comment at its beginning, or "" without such a comment. The caller frees it.
 * NULL: no memory. */
char *sample_about(const char *text);
