/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The destination of a step in the machine: found, created where it is missing, and mounted on. */

#include "mount/mount-plan.h"
#include "util/failure.h"

typedef struct MountDest {
        int root_fd;            /* the machine's "/" */
        int userns_fd;          /* what is missing is created in this user namespace; -EBADF: in ours */
        uid_t first_id;         /* … by this user of it */
        bool read_only;         /* "/" is read-only only by mount_dest_set_read_only() */
} MountDest;

/* Makes the machine's "/" with all mounts below it read-only. Destinations can still be created in "/" itself. */
int mount_dest_set_read_only(MountDest *d, Failure *failure);

/* In a user namespace just joined: becomes this user of it, with all capabilities. */
int mount_dest_become(uid_t id);

/* Opens the destination, a directory or a file, and creates it where it is missing. */
int mount_dest_open(const MountOp *op, const MountDest *d, bool directory, Failure *failure);

/* Can a mount of a directory, or of a file, be attached on what is there? */
int mount_dest_check(const MountOp *op, int fd, bool directory, Failure *failure);

/* Attaches a detached mount to the step's destination; an optional one without a destination not at all. */
int mount_dest_attach(const MountOp *op, const MountDest *d, int fd, Failure *failure);

/* Records that the step's mount failed, and returns r. */
int mount_dest_failure(const MountOp *op, int r, Failure *failure);
