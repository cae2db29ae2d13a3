/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Copies of files and whole trees: of trees that boot as the original does, and to, from and between machines. */

#include <sys/stat.h>

#include "util/failure.h"

typedef enum TreeCopyFlags {
        TREE_COPY_MERGE = 1 << 0,               /* directories may exist: they keep their attributes */
        TREE_COPY_REPLACE = 1 << 1,             /* files may exist: each is replaced at once, by rename(2) */
        TREE_COPY_KEEP = 1 << 2,                /* without TREE_COPY_REPLACE: files that exist below a source stay as they are */
        TREE_COPY_NO_PRIVILEGE = 1 << 3,        /* leaves out what gives rights where the copy is: set-user-ID and set-group-ID
                                                 * bits, device nodes, security.* and trusted.* attributes */
        TREE_COPY_NO_API = 1 << 4,              /* leaves out proc, sysfs and the like that are mounted below a source */
} TreeCopyFlags;

/* Numbers of what was copied so far, and of what was left out. */
typedef struct TreeCopyCount {
        uint64_t files, bytes;
        uint64_t no_set_id, no_capabilities, no_devices, no_api;
} TreeCopyCount;

typedef struct TreeCopyOptions {
        unsigned flags;
        int skip_fd;            /* a directory to leave out, if the copy is in the tree; -EBADF: none */
        const char *where;      /* the destination, for messages; NULL: "" */
        void *userdata;
        /* Called before each file, and within large ones; true ends the copy with -EINTR and without a failure. NULL: none. */
        bool (*stop)(void *userdata);
        /* The owner of the copy for a user's or group's id of the source. 0: the same, 1: another, which set-user-ID bits, file
         * capabilities and ACLs are not made for; negative errno. NULL: all the same. */
        int (*map)(void *userdata, bool group, uint32_t id, uint32_t *ret);
        uint32_t root;          /* the root user of the copy: file capabilities are for its programs */
        /* May files be made in this directory of the destination? 0 or negative errno. NULL: in any. */
        int (*may_write)(void *userdata, const struct stat *directory);
        TreeCopyCount *count;   /* may be shared memory; NULL: none */
        Failure *warning;       /* names the first attribute that was left out; may be NULL */
} TreeCopyOptions;

/* Copies the directory source_fd with its contents into the directory dest_fd (both open for reading), which is empty unless
 * TREE_COPY_MERGE: owners, modes, times, extended attributes (ACLs and file capabilities among them), hard links, device nodes,
 * holes. Data is shared where the file system can (reflinks). Symbolic links are copied, not followed. Mounts below source_fd
 * would be copied as well: pass a clone without them (open_tree(2)). Attributes without a meaning for security (user.*, btrfs.*)
 * are left out where the copy's file system cannot store them; other attributes are a failure then. */
int tree_copy(int source_fd, int dest_fd, const TreeCopyOptions *options, Failure *failure);

/* The same for several files, whose hard links are kept, too. The directory dest_fd and the options stay the caller's, who may
 * change the flags between two files. */
typedef struct TreeCopy TreeCopy;
int tree_copy_new(int dest_fd, const TreeCopyOptions *options, TreeCopy **ret, Failure *failure);
/* Copies source_fd (a file of any kind, by O_PATH) to `name` in the directory; "": the contents of a directory. On failure the
 * file that was being copied is removed again, those before it stay. */
int tree_copy_add(TreeCopy *c, int source_fd, const char *name, Failure *failure);
void tree_copy_free(TreeCopy *c);
DEFINE_CLEANUP(TreeCopy *, tree_copy_free);
