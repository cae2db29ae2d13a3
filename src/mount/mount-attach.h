/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The child's part of a MountPlan: attaches the supervisor's mounts, creates those of its own namespaces, and leaves
 * the host's tree. */

#include "mount/mount-work.h"

/* Carries out all but the late steps, with the mounts of mount_make(). Afterwards the machine's tree is "/" of the
 * calling process, the host's is gone, and all mounts are closed; only a MOUNT_EXPORT step has a new one, a detached
 * copy. */
int mount_attach(const MountPlan *plan, MountWork *work, Failure *failure);

/* Carries out the late steps, then sets the propagation that payloads expect: all mounts shared. */
int mount_attach_late(const MountPlan *plan, Failure *failure);
