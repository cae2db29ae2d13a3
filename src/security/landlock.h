/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Landlock: from a call on, the calling process reaches no files but those below the given directories, whatever its user may do,
 * makes no TCP connections, and changes no mounts. Descriptors that are open stay as they are.
 */

#include "util/failure.h"

typedef enum LandlockAccess {
        LANDLOCK_READ,          /* files and directories */
        LANDLOCK_WRITE,         /* the same, and writing to files */
        LANDLOCK_EDIT,          /* the same, and creating and removing regular files and directories */
        LANDLOCK_REMOVE,        /* removing files, not reading them */
} LandlockAccess;

/* A directory by descriptor or, where fd is negative, by path. One that does not exist is left out; path NULL: none. */
typedef struct LandlockRule {
        const char *path;
        int fd;
        LandlockAccess access;
} LandlockRule;

/* Needs no_new_privs. 0: the kernel has no Landlock; 1: done. */
int landlock_restrict(const LandlockRule *rules, size_t n, Failure *failure);
