/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Lock files, compatible with systemd's: box and systemd's programs exclude each other. An OFD lock on a whole file,
 * which is created if missing and removed by its last holder. The lock belongs to the descriptor: it ends with the
 * process, and a child that inherits the descriptor holds it until exec.
 */

#include <sys/types.h>

#include "util/macro.h"

typedef struct LockFile {
        int fd;
        char *path;
} LockFile;
#define LOCK_FILE_NULL { -EBADF, NULL }

/* The size of a holder's name. */
enum { LOCK_FILE_HOLDER_MAX = 128 };

typedef enum LockFileFlags {
        LOCK_FILE_SHARED = 1 << 0,      /* together with other shared holders */
        LOCK_FILE_WAIT = 1 << 1,        /* wait, instead of -EBUSY */
} LockFileFlags;

/* Creates the file (0600) if it is missing, but not its directory. -EBUSY: locked by another process; -EBADFD: not a
 * regular file. */
int lock_file_take(const char *path, unsigned flags, LockFile *ret);

/* Whether another process holds the file's lock, and what it wrote to the file (control characters become '?'; "" until it has
 * written). Needs the right to write to the file. */
bool lock_file_read_holder(const char *path, char ret[static LOCK_FILE_HOLDER_MAX]);

/* Is the file locked, so that lock_file_take() would fail? *ret_holder: one of the processes that hold it, as far as the caller
 * may see their descriptors in /proc; 0: unknown. A missing file is not locked. */
bool lock_file_is_held(const char *path, unsigned flags, pid_t *ret_holder);

/* Does this text of /proc/PID/fdinfo/FD have a lock on the inode? Pure. */
bool lock_file_in_fdinfo(const char *text, ino_t inode);

/* Writes the holder's name to the file. */
int lock_file_write_holder(const LockFile *l, const char *name);

/* Unlocks, and removes the file unless another holder shares it. Does nothing to LOCK_FILE_NULL, which *l is then. */
void lock_file_release(LockFile *l);

/* Removes the lock files in a directory that nobody holds: those of killed processes. */
void lock_file_remove_left(const char *dir);
