/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The steps of a plan at work: each with its mount while that is attached nowhere, and with the directory of the host
 * that it needs for the machine's life (a temporary bind mount, an upper layer that is thrown away, overlayfs' work
 * directory).
 */

#include <sys/types.h>

#include "image/image.h"
#include "image/scratch-dir.h"
#include "mount/mount-plan.h"
#include "util/failure.h"

typedef struct MountScratch {
        ScratchDir dir;         /* fd is -EBADF where the step needs none */
        char *upper;            /* name of the upper layer or source: in dir, or (user_upper) beside dir */
        bool user_upper;        /* the upper layer is the user's and stays; dir is its work directory */
        dev_t upper_dev;        /* the user's upper layer as it was looked up */
        ino_t upper_ino;
} MountScratch;

typedef struct MountWork {
        const MountOp *op;
        int fd;                 /* the mount; -EBADF: none */
        bool left_out;          /* an overlay whose uppermost directory is optional, and missing */
        bool binds_devices;     /* MOUNT_NEW: some of its device nodes are empty files, on which the host's are to be mounted */
        MountScratch scratch;
} MountWork;

typedef struct MountScratchContext {
        const Image *image;     /* where the machine's tree is; its fd is the tree's root */
        int root_fd;            /* the machine's "/": the same, or a directory of it */
        uid_t owner;            /* host id of the machine's root */
} MountScratchContext;

/* An array with an element for each step, with their directories created: a throw-away root's beside the tree and
 * hidden, all others in /var/tmp. */
int mount_work_new(const MountPlan *plan, const MountScratchContext *c, MountWork **ret, Failure *failure);

/* For a second start by a plan with the same steps: work directories are created anew, contents stay. */
int mount_work_renew(MountWork *work, const MountPlan *plan, Failure *failure);

bool mount_work_has_scratch(const MountWork *work, size_t n);

/* Closes the mounts. */
void mount_work_close(MountWork *work, size_t n);

/* Closes the mounts and removes the directories, but for the user's. Logs a warning where that fails. */
void mount_work_free(MountWork *work, size_t n);

/* Removes the directories of a killed supervisor beside the tree, and in /var/tmp. */
void mount_work_remove_left(const Image *image);
