/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The child's part of a MountPlan: attaching what the supervisor made, making what belongs to its own namespaces, and
 * leaving the host's tree. */

#include "mount/mount-plan.h"
#include "util/failure.h"

/* Attaches all but the late steps; the calling process is then in the machine's tree, which is "/" for it, and the host's
 * is gone. fds as mount_make() left them; each is closed, but for a MOUNT_EXPORT step's, which becomes a detached
 * copy of its mount. */
int mount_attach(const MountPlan *plan, int *fds, Failure *failure);

/* The late steps, and the propagation that payloads expect: everything shared among themselves. */
int mount_attach_late(const MountPlan *plan, Failure *failure);
