/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Lock files in systemd's manner, so that box and systemd's programs can keep each other off: an OFD lock on a whole file
 * that is made when needed and removed by its last holder. The lock is the descriptor's: it ends with the process,
 * however that ends, and a child has it until exec, by the descriptor.
 */

#include "util/macro.h"

typedef struct LockFile {
        int fd;
        char *path;
} LockFile;
#define LOCK_FILE_NULL { -EBADF, NULL }

typedef enum LockFileFlags {
        LOCK_FILE_SHARED = 1 << 0,      /* beside others who share */
        LOCK_FILE_WAIT = 1 << 1,        /* until it is free, in place of -EBUSY */
} LockFileFlags;

/* Makes the file (0600) where it is missing, not its directory. -EBUSY: another process has it; -EBADFD: no regular file. */
int lock_file_take(const char *path, unsigned flags, LockFile *ret);

/* Unlocks, and removes the file unless the lock is shared. Leaves LOCK_FILE_NULL, and does nothing to it. */
void lock_file_release(LockFile *l);
