/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "mount/mount-source.h"

/* The detached mount of a MOUNT_OVERLAY step, or negative errno. */
int mount_overlay_make(const MountWork *w, const MountMakeContext *c, Failure *failure);
