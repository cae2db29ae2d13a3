/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "mount/mount-source.h"

/* The detached mount of a MOUNT_OVERLAY step, or negative errno. */
int mount_overlay_make(const MountWork *w, const MountMakeContext *c, Failure *failure);

/* Tries to open a layer that is a directory of the host or of the tree, as a lower one. 0 or negative errno. */
int mount_overlay_try_layer(const MountOp *op, const LayerOp *layer, const MountMakeContext *c, Failure *failure);
