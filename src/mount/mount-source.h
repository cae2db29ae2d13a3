/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * New file systems and clones of mounts, detached: for the steps of a MountPlan (mount-make.c) and an overlay's layers
 * (mount-overlay.c).
 */

#include "mount/mount-plan.h"
#include "mount/mount-work.h"
#include "users/user-namespace.h"
#include "util/failure.h"

typedef struct MountMakeContext {
        int image_fd;           /* the tree, O_PATH */
        int tree_fd;            /* the machine's "/" of it, O_PATH: the same, or a directory of it */
        int tree_namespace_fd;  /* the tree's mount namespace; -EBADF: the host's */
        int outer_fd;           /* a mount namespace to assemble mounts in, a copy of the host's; -EBADF: not made so far */
        int leader_pidfd;       /* has the PID, network and IPC namespaces that proc, sysfs and mqueue show */
        int userns_fd;          /* the machine's user namespace; -EBADF without one */
        const IdMap *map;       /* its map of users; NULL without a user namespace */
        const IdMap *gid_map;   /* … and of groups */
        uid_t owner;            /* host id of the machine's root, or (IdMap= without root) of its first user */
        uid_t first_id;         /* the same in the machine: 0, or its first user */
        Source users_from;      /* of PrivateUsers=, for messages */
} MountMakeContext;
#define MOUNT_MAKE_CONTEXT_NULL \
        { .image_fd = -EBADF, .tree_fd = -EBADF, .tree_namespace_fd = -EBADF, .outer_fd = -EBADF, .leader_pidfd = -EBADF, \
          .userns_fd = -EBADF }

/* Clones the mount at fd, a path in the machine's tree; flags of open_tree(2), with AT_EMPTY_PATH. A descriptor or
 * negative errno. */
int mount_clone_in_tree(int fd, unsigned flags, const MountMakeContext *c);

/* Creates the step's new file system with these attributes. */
int mount_new(const MountOp *op, uint64_t attrs, Failure *failure);

/* The parts of a MOUNT_CLONE, also for an overlay's layers. A detached clone of the step's source; scratch is the
 * step's. -ENOENT without a failure: an optional one is missing. */
int mount_open_source(const MountOp *op, const MountMakeContext *c, const MountScratch *scratch, Failure *failure);

/* Sets attributes, id map and propagation of such a clone. root_fd: the machine's "/", for MOUNT_IDMAP_OWNER. */
int mount_set_attributes(const MountOp *op, int fd, int root_fd, const MountMakeContext *c, Failure *failure);

/* Configures and mounts a context of fsopen(2); fs_fd may be its negative errno. */
int mount_new_from_context(int fs_fd, const MountOp *op, uint64_t attrs, Failure *failure);

/* Says that an optional source is missing, if a setting names it; not of what the host merely offers. */
void mount_source_say_missing(const MountOp *op);

/* The step's source for messages. */
const char *mount_source_name(const MountOp *op);
