/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Paths inside a hostile tree: every lookup is one openat2(2) with the tree's root as "/", which symbolic links cannot
 * leave. Paths are never joined to the root as text.
 */

#include <sys/types.h>

#include "util/macro.h"

/* Opens path (absolute or relative, "/" is root_fd) with flags | O_CLOEXEC; symbolic links resolve inside the tree,
 * /proc's magic links are refused. A descriptor, or negative errno. */
int tree_open(int root_fd, const char *path, int flags);

/* As tree_open(), with a mode, for O_CREAT. */
int tree_create(int root_fd, const char *path, int flags, mode_t mode);

/* Reads a regular file of at most max bytes; a NUL is added. -ENOENT, -E2BIG, -EISDIR, and -EBADFD for other kinds of
 * files (does not wait for a FIFO). */
int tree_read(int root_fd, const char *path, size_t max, char **ret, size_t *ret_size);

/* 1 if path is a regular file with an execute bit, 0 if not, negative errno on failure. */
int tree_is_executable(int root_fd, const char *path);

/* Resolves all symbolic links of path, and gives the path inside the tree. -ENOENT if a link dangles. */
int tree_canonicalize(int root_fd, const char *path, char **ret);

/* Creates the directory path with its parents (mode 0755, owned by the caller). Links are followed inside the tree, also those
 * whose target is missing: that is created, with its parents. -ELOOP after 40 such links. Returns an O_PATH descriptor of the
 * directory. */
int tree_mkdir_p(int root_fd, const char *path);

/* Creates a mount point if it is missing, with its parents, in the same way: a directory, or (directory false) an empty file.
 * Returns an O_PATH descriptor of it. */
int tree_mountpoint(int root_fd, const char *path, bool directory);
