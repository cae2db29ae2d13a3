/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a step of a MountPlan is made of, detached: a new file system or a copy of a mount. The parts of mount-make.c and, for an
 * overlay's layers, of mount-overlay.c.
 */

#include "mount/mount-plan.h"
#include "mount/mount-work.h"
#include "users/user-namespace.h"
#include "util/failure.h"

typedef struct MountMakeContext {
        int image_fd;           /* the tree, O_PATH */
        int tree_fd;            /* the machine's "/" of it, O_PATH: the same, or a directory of it */
        int tree_namespace_fd;  /* the mount namespace that it is in; -EBADF: the host's */
        int leader_pidfd;       /* whose PID and network namespaces proc and sysfs are of */
        int userns_fd;          /* the machine's user namespace; -EBADF without one */
        const IdMap *map;       /* of its users; NULL without a user namespace */
        uid_t owner;            /* host id of the machine's root, or of whoever begins in its place */
} MountMakeContext;

/* A copy of what is mounted at fd, a place in the machine's tree; flags of open_tree(2), AT_EMPTY_PATH among them. A
 * descriptor or negative errno. */
int mount_clone_in_tree(int fd, unsigned flags, const MountMakeContext *c);

/* The step's new file system, detached and with these attributes: also for the child's own. */
int mount_new(const MountOp *op, uint64_t attrs, Failure *failure);

/* The parts of a MOUNT_CLONE, also for an overlay's layers. A detached clone of the step's source; scratch is the step's. */
int mount_open_source(const MountOp *op, const MountMakeContext *c, const MountScratch *scratch, Failure *failure);

/* Sets attributes, id map and propagation on such a copy. root_fd: the machine's "/", for MOUNT_IDMAP_OWNER. */
int mount_set_attributes(const MountOp *op, int fd, int root_fd, const MountMakeContext *c, Failure *failure);

/* From an fsopen()ed context (an errno in its place is reported) to a detached mount. */
int mount_new_from_context(int fs_fd, const MountOp *op, uint64_t attrs, Failure *failure);

/* For messages: "FILE:LINE: " of the setting that the step comes from, or ""; the step's source. */
const char *mount_describe_place(const MountOp *op, char buf[static SOURCE_TEXT_MAX + 2]);
const char *mount_source_name(const MountOp *op);
