/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Copies of whole trees: everything that makes one, so that it boots as the original does. */

#include "util/failure.h"

/* Asked before each file, and within large ones; true ends the copy with -EINTR and no failure: the caller knows why. */
typedef bool (*TreeCopyStop)(void *userdata);

/* Copies the directory source_fd, with all that is in it, into the empty directory dest_fd (both open for reading): owners,
 * modes, times, extended attributes (ACLs and file capabilities among them), hard links, device nodes, holes. Data is shared
 * where the file system can (reflinks). Symbolic links are copied, never followed. What is mounted below the source is not
 * copied: that it is not seen there at all is the caller's part (open_tree(2)). skip_fd (-EBADF: none): a directory that is
 * left out, where the copy is itself in the tree. */
int tree_copy(int source_fd, int dest_fd, int skip_fd, TreeCopyStop stop, void *userdata, Failure *failure);
