/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Lock files in systemd's manner, so that box and systemd's programs can keep each other off: an OFD lock on a whole file
 * that is made when needed and removed by its last holder. The lock is the descriptor's: it ends with the process,
 * however that ends, and whoever inherits the descriptor has it until exec.
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

/* Makes the file (0600) where it is missing, not its directory. -EBUSY: somebody else has it; -EBADFD: no regular file. */
int lock_file_take(const char *path, unsigned flags, LockFile *ret);

/* Lets go, and removes the file where nobody shares it. Does nothing to LOCK_FILE_NULL, which it leaves. */
void lock_file_release(LockFile *l);
