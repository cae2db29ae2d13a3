/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * HostView=lxcfs: files of /proc and /sys that describe the whole host are covered by those of lxcfs, a FUSE file
 * system of the host that shows each container its own limits and use.
 */

#include "mount/mount-plan.h"

/* Adds the steps, which follow those of /proc and /sys. Pure. */
int mount_plan_lxcfs(const Settings *s, MountPlan *p);

/* Checks that lxcfs is mounted where the setting needs it. path NULL: /var/lib/lxcfs. 0 or -ENOMEM; a missing lxcfs is
 * a problem. */
int lxcfs_check(const Settings *s, const char *path, Problems *problems);
