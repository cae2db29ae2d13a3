/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Directories for a while: of a name that nobody else has (PREFIX and 16 hexadecimal digits), open to nobody but root,
 * locked while they are in use. One that has lost its lock was left behind by a process that was killed: whoever makes the
 * next of that prefix removes it.
 */

#include "util/macro.h"

typedef struct ScratchDir {
        int parent_fd;
        int fd;                 /* the directory, open for reading: the lock is this descriptor's */
        char *name;             /* in parent_fd */
} ScratchDir;
#define SCRATCH_DIR_NULL { -EBADF, -EBADF, NULL }

/* Makes one in the directory parent_fd (which is opened again). Names of the prefix that nobody holds are removed first. */
int scratch_dir_make(int parent_fd, const char *prefix, ScratchDir *ret);

/* Removes it with all that is in it, and lets go. An empty one is let alone. The first failure; it is let go of anyway. */
int scratch_dir_remove(ScratchDir *d);

/* Gives it its final name in its parent: -EEXIST where there is something of that name. It is no scratch directory any more,
 * and *d is empty. On a failure it still is. */
int scratch_dir_publish(ScratchDir *d, const char *name);
