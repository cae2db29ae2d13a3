/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The supervisor's part of a MountPlan: everything that takes the host's privilege is made here, complete but attached
 * nowhere, and handed to the child as descriptors. A failure half-way leaves nothing behind: a detached mount is gone with
 * its descriptor.
 */

#include "mount/mount-source.h"

/* Makes the supervisor's steps: fds[i] is step i's mount, -EBADF for the child's and for optional ones that are not to be
 * had. fds holds plan->n. Read-only new file systems can still be written to until mount_make_seal(). */
int mount_make(const MountPlan *plan, const MountMakeContext *c, int *fds, Failure *failure);

/* mount-places.c: makes what is missing in the tree to mount on, where nobody in the machine could. After mount_make(). */
int mount_make_places(const MountPlan *plan, const MountMakeContext *c, const int *fds, Failure *failure);

/* Makes places in the new file systems for what the settings mount there, and then sets "ro" on those that are to be so. */
int mount_make_seal(const MountPlan *plan, const int *fds, Failure *failure);

/* The mount of the step with this destination (the last such), or -EBADF. */
int mount_make_find(const MountPlan *plan, const int *fds, const char *dest);
