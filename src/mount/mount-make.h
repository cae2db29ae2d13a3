/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The supervisor's part of a MountPlan: everything that takes the host's privilege is made here, complete but attached
 * nowhere, and handed to the child as descriptors. A failure half-way leaves nothing behind: a detached mount is gone with
 * its descriptor.
 */

#include "mount/mount-plan.h"
#include "mount/mount-scratch.h"
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
        const MountScratch *scratch;    /* the steps' own directories, by their index; NULL: no step has any */
        int self_pidns_fd;      /* the supervisor's own namespaces, to come back to */
        int self_netns_fd;
} MountMakeContext;

/* A copy of what is mounted at fd, a place in the machine's tree; flags of open_tree(2), AT_EMPTY_PATH among them. A
 * descriptor or negative errno. */
int mount_clone_in_tree(int fd, unsigned flags, const MountMakeContext *c);

/* Makes the supervisor's steps: fds[i] is step i's mount, -EBADF for the child's and for optional ones that are not to be
 * had. fds holds plan->n. Read-only new file systems can still be written to until mount_make_seal(). */
int mount_make(const MountPlan *plan, const MountMakeContext *c, int *fds, Failure *failure);

/* mount-places.c: makes what is missing in the tree to mount on, where nobody in the machine could. After mount_make(). */
int mount_make_places(const MountPlan *plan, const MountMakeContext *c, const int *fds, Failure *failure);

/* Makes places in the new file systems for what the settings mount there, and then sets "ro" on those that are to be so. */
int mount_make_seal(const MountPlan *plan, const int *fds, Failure *failure);

/* The mount of the step with this destination (the last such), or -EBADF. */
int mount_make_find(const MountPlan *plan, const int *fds, const char *dest);

/* The step's new file system, detached and with these attributes: also for the child's own. */
int mount_new(const MountOp *op, uint64_t attrs, Failure *failure);

/* The parts that a MOUNT_TREE is made of, for an overlay's layers. A detached copy of the step's source; scratch is NULL or
 * the step's own. */
int mount_open_source(const MountOp *op, const MountMakeContext *c, const MountScratch *scratch, Failure *failure);

/* Sets attributes, id map and propagation on such a copy. root_fd: the machine's "/", for MOUNT_OWNERIDMAP. */
int mount_dress(const MountOp *op, int fd, int root_fd, const MountMakeContext *c, Failure *failure);
