/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The end of a MountPlan: the machine's mount namespace is assembled of the mounts of mount_make(). */

#include "mount/mount-source.h"

/* A copy of our mount namespace without propagation in either direction, to assemble mounts in. */
int mount_namespace_new(Failure *failure);

/* In the supervisor: carries out all but the late steps, in a mount namespace of their own whose "/" is the machine's tree.
 * With a user namespace they are locked against its root, but for those with MOUNT_UNLOCKED. Returns the namespace's
 * descriptor. All mounts are closed; only a MOUNT_EXPORT step has a new one, a detached copy. */
int mount_attach(const MountPlan *plan, MountWork *work, const MountMakeContext *c, Failure *failure);

/* In the child, in that namespace: carries out the late steps, then sets the propagation that payloads expect: all mounts
 * shared. */
int mount_attach_late(const MountPlan *plan, Failure *failure);
