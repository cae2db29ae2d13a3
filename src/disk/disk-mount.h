/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A disk image's file systems, mounted as the machine's tree in a mount namespace without processes. The steps of a
 * mount plan clone mounts from there as they do from the host's.
 */

#include "disk/disk-layout.h"
#include "util/failure.h"

typedef struct DiskTree {
        int root_fd;            /* the tree's root */
        int namespace_fd;       /* the namespace it is mounted in: needed to clone mounts of it */
} DiskTree;
#define DISK_TREE_NULL { -EBADF, -EBADF }

/* fd is the image, a file or a block device, O_PATH; path its name, of a device that of its node. Changes the
 * destination of an ESP in the layout to the one used. read_only: nothing is written, so that journals are not
 * replayed. Loop devices and mounts end with the tree and its clones, also after a failure or without disk_tree_done(). */
int disk_mount(DiskLayout *l, int fd, const char *path, bool read_only, DiskTree *ret, Failure *failure);
void disk_tree_done(DiskTree *t);
