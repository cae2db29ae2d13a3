/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A disk image's file systems, mounted: put together as the machine's tree in a mount namespace without processes, from
 * which the mount plan takes copies as it does from the host's.
 */

#include "disk/disk-layout.h"
#include "util/failure.h"

typedef struct DiskTree {
        int root_fd;            /* the tree's root */
        int namespace_fd;       /* where it is mounted: kept as long as copies of it are to be made */
} DiskTree;
#define DISK_TREE_NULL { -EBADF, -EBADF }

/* fd is the image, a file or a block device, O_PATH; path its name, and its node where it is a device. The layout's parts
 * come with their usual places; an ESP's is set to the one it gets in this tree. read_only: nothing of it is written to, not
 * even to bring a journal to its end. Loop devices and mounts are gone when the tree and all copies of it are, also after a
 * failure or without disk_tree_done(). */
int disk_mount(DiskLayout *l, int fd, const char *path, bool read_only, DiskTree *ret, Failure *failure);
void disk_tree_done(DiskTree *t);
