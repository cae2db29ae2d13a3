/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * HostView=lxcfs (see lxcfs.h). The steps are pure. The supervisor makes the check as root, before anything is changed:
 * the mount point of an lxcfs that has crashed cannot be opened.
 */

#include <linux/magic.h>
#include <sys/vfs.h>

#include "mount/lxcfs.h"
#include "mount/mount-plan-internal.h"
#include "util/fd.h"
#include "util/print.h"

#define LXCFS "/var/lib/lxcfs"

int mount_plan_lxcfs(const Settings *s, MountPlan *p)
{
        /* Of all versions of lxcfs; no version has all of them. */
        static const char *const paths[] = {
                "/proc/cpuinfo", "/proc/diskstats", "/proc/loadavg", "/proc/meminfo", "/proc/slabinfo", "/proc/stat",
                "/proc/swaps", "/proc/uptime", "/proc/pressure/cpu", "/proc/pressure/io", "/proc/pressure/memory",
                "/sys/devices/system/cpu",
        };

        for (size_t i = 0; s->host_view == HOST_VIEW_LXCFS && i < ARRAY_SIZE(paths); i++) {
                MountRow row = {
                        MOUNT_CLONE, MOUNT_OPTIONAL | MOUNT_UNLOCKED, .attrs = ATTR_API_RO, .dest = paths[i],
                        .from = s->from[SETTING_HOST_VIEW],
                };
                _cleanup_free_ char *source = NULL;

                if (strf(&source, LXCFS "%s", paths[i]) < 0)
                        return -ENOMEM;
                row.source = source;
                if (mount_plan_add(p, &row, NULL) < 0)
                        return -ENOMEM;
        }
        return 0;
}

int lxcfs_check(const Settings *s, const char *path, Problems *problems)
{
        _cleanup_close_ int dir_fd = -EBADF, fd = -EBADF;
        struct statfs fs = {};

        if (s->host_view != HOST_VIEW_LXCFS)
                return 0;
        if (!path)
                path = LXCFS;
        dir_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        fd = dir_fd < 0 ? -EBADF : openat(dir_fd, "proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd >= 0 && fstatfs(fd, &fs) >= 0 && fs.f_type == FUSE_SUPER_MAGIC)
                return 0;

        return problem_error(problems, s->from[SETTING_HOST_VIEW],
                             "HostView=lxcfs: lxcfs is not mounted on '%s'; install the package lxcfs and start "
                             "lxcfs.service", path);
}
