/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The supervisor's part of a MountPlan: mounts that need the host's privilege are created here, complete but attached
 * nowhere, for mount-attach.h. After a failure half-way nothing remains: a detached mount ends with
 * its descriptor.
 */

#include "mount/mount-source.h"

/* Creates the mounts of the supervisor's steps, but for optional ones that are not possible: first those that show none of
 * the machine's namespaces, then those that do. New file systems that are to be read-only are writable until
 * mount_make_seal(). */
int mount_make(MountWork *work, size_t n, const MountMakeContext *c, Failure *failure);
int mount_make_in_namespaces(MountWork *work, size_t n, const MountMakeContext *c, Failure *failure);

/* After these, for a machine without root, which could not do so: creates missing destinations in its tree. */
int mount_make_places(const MountPlan *plan, const MountWork *work, const MountMakeContext *c, Failure *failure);

/* Creates the destinations of the settings' mounts in new file systems, then makes those read-only that are to be so. */
int mount_make_seal(const MountPlan *plan, const MountWork *work, Failure *failure);

/* The mount of the last step with this destination, or -EBADF. */
int mount_make_find(const MountPlan *plan, const MountWork *work, const char *dest);
