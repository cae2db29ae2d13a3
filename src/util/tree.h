/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Paths inside a tree that is not trusted: every lookup is one openat2() that treats the tree's root
 * as "/" and never leaves it, whatever symbolic links say. No path is ever joined to the root as text.
 */

#include <sys/types.h>

#include "util/macro.h"

/* Opens path (absolute or relative, "/" is root_fd) with flags | O_CLOEXEC; symbolic links resolve inside the tree,
 * /proc's magic links are refused. A descriptor, or negative errno. */
int tree_open(int root_fd, const char *path, int flags);

/* As tree_open(), with a mode, for O_CREAT. */
int tree_create(int root_fd, const char *path, int flags, mode_t mode);

/* The whole of a regular file, at most max bytes, with a NUL after it. -ENOENT, -E2BIG, -EISDIR, and -EBADFD for
 * anything that is no regular file (a FIFO is never waited for). */
int tree_read(int root_fd, const char *path, size_t max, char **ret, size_t *ret_size);

/* 1 when path leads to a regular file with an execute bit, 0 when it does not, negative errno on a failure. */
int tree_is_executable(int root_fd, const char *path);

/* Follows path through every symbolic link to what it names at last and gives that place's path inside the tree.
 * Used to tell what /sbin/init is. -ENOENT where a link dangles. */
int tree_canonicalize(int root_fd, const char *path, char **ret);

/* Makes the directory path with its parents (mode 0755 each, owned by the caller); an O_PATH descriptor of it. */
int tree_mkdir_p(int root_fd, const char *path);

/* An O_PATH descriptor of path as a place to mount on; makes what is missing: a directory, or (directory false) an
 * empty file. */
int tree_mountpoint(int root_fd, const char *path, bool directory);
