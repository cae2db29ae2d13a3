/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Temporary directories: PREFIX and 16 random hexadecimal digits, mode 0700, locked while in use. One without a lock was left
 * by a process that was killed, and is removed when the next one of that prefix is created.
 */

#include "util/macro.h"

typedef struct ScratchDir {
        int parent_fd;
        int fd;                 /* the directory, open for reading; holds the lock */
        char *name;             /* in parent_fd */
} ScratchDir;
#define SCRATCH_DIR_NULL { -EBADF, -EBADF, NULL }

/* Removes leftovers of the prefix, then creates a directory in parent_fd (which is opened again). */
int scratch_dir_make(int parent_fd, const char *prefix, ScratchDir *ret);

/* Removes leftovers of the prefix. */
void scratch_dir_remove_left(int parent_fd, const char *prefix);

/* Removes the directory with its contents, and unlocks it in any case. Does nothing to SCRATCH_DIR_NULL. Returns the first
 * failure. */
int scratch_dir_remove(ScratchDir *d);

/* Renames the directory to its final name in its parent, so that it stays, and empties *d. On failure (-EEXIST: the name is in
 * use) *d is unchanged. */
int scratch_dir_publish(ScratchDir *d, const char *name);
