/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Copies of whole trees that boot as the original does. */

#include "util/failure.h"

/* Called before each file, and within large ones; true ends the copy with -EINTR and without a failure. */
typedef bool (*TreeCopyStop)(void *userdata);

typedef struct TreeCopyOptions {
        int skip_fd;            /* a directory to leave out, if the copy is in the tree; -EBADF: none */
        TreeCopyStop stop;      /* NULL: none */
        void *userdata;
        Failure *warning;       /* names the first attribute that was left out; may be NULL */
} TreeCopyOptions;

/* Copies the directory source_fd with its contents into the empty directory dest_fd (both open for reading): owners, modes,
 * times, extended attributes (ACLs and file capabilities among them), hard links, device nodes, holes. Data is shared where
 * the file system can (reflinks). Symbolic links are copied, not followed. Mounts below source_fd would be copied as well: pass
 * a clone without them (open_tree(2)). Attributes without a meaning for security (user.*, btrfs.*) are left out where the
 * copy's file system cannot store them; other attributes are a failure then. */
int tree_copy(int source_fd, int dest_fd, const TreeCopyOptions *options, Failure *failure);
