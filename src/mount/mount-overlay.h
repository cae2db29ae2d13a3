/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "mount/mount-source.h"

/* Makes a MOUNT_OVERLAY: a detached mount, or a failure. scratch is the step's own, where it has one. */
int mount_overlay_make(const MountOp *op, const MountMakeContext *c, const MountScratch *scratch, Failure *failure);
