/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * HostView=lxcfs: files of /proc and /sys that tell of the whole host, in place of which a machine sees those of lxcfs, a FUSE
 * file system of the host that tells each container of what it may use itself.
 */

#include "mount/mount-plan.h"

/* Its steps, after those of /proc and /sys. Pure. */
int mount_plan_host_view(const Settings *s, MountPlan *p);

/* Is there an lxcfs, where it is asked for? place NULL: /var/lib/lxcfs. -ENOMEM or 0; that it is not there is a problem. */
int host_view_check(const Settings *s, const char *place, Problems *problems);
