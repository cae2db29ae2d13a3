/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The directories of the host that a machine's mounts need and that are there for its life only: temporary bind mounts,
 * upper layers that are thrown away, overlayfs' work directories.
 */

#include <sys/types.h>

#include "image/image.h"
#include "image/scratch-dir.h"
#include "mount/mount-plan.h"
#include "util/failure.h"

/* What one step has. */
typedef struct MountScratch {
        ScratchDir dir;         /* fd is -EBADF where the step needs nothing */
        char *upper;            /* the upper layer's name: in dir, or (user_upper) beside dir, which is its work directory */
        bool user_upper;        /* the upper layer is the user's, and stays */
        dev_t upper_dev;        /* which directory it was when it was looked up */
        ino_t upper_ino;
} MountScratch;

typedef struct MountScratchContext {
        const Image *image;     /* where the machine's tree is; its fd is the tree's root */
        int root_fd;            /* the machine's "/": the same, or a directory of it */
        uid_t owner;            /* host id of the machine's root */
} MountScratchContext;

/* Makes what the plan's steps need: an array of plan->n, or NULL where none does. The upper layers of a throw-away
 * tree lie beside it, hidden; everything else in /var/tmp. */
int mount_scratch_make(const MountPlan *plan, const MountScratchContext *c, MountScratch **ret, Failure *failure);

/* Makes them ready for a second use: work directories are new, contents stay. */
int mount_scratch_renew(MountScratch *scratch, size_t n, Failure *failure);

/* Removes what was made (not what is the user's). A warning where that fails. */
void mount_scratch_free(MountScratch *scratch, size_t n);
