/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * See network-namespace.h. The administrator's path may be any file: it is opened with O_PATH and must be on the namespace
 * file system before it is opened for reading. The supervisor, as root of the host.
 */

#include <linux/magic.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/statfs.h>

#include "net/network-namespace.h"
#include "util/fd.h"
#include "util/log.h"

/* -EINVAL: not a network namespace. */
static int open_path(const char *path)
{
        _cleanup_close_ int fd = open(path, O_PATH | O_CLOEXEC), ns_fd = -EBADF;
        struct statfs fs;

        if (fd < 0 || fstatfs(fd, &fs) < 0)
                return -errno;
        if (fs.f_type != NSFS_MAGIC)
                return -EINVAL;

        ns_fd = fd_reopen(fd, O_RDONLY);
        if (ns_fd < 0)
                return ns_fd;
        if (ioctl(ns_fd, NS_GET_NSTYPE) != CLONE_NEWNET)
                return -EINVAL;
        return TAKE_FD(ns_fd);
}

int network_namespace_check(const NetworkPlan *p, Problems *problems)
{
        _cleanup_close_ int fd = -EBADF;

        if (!p->namespace_path)
                return 0;
        fd = open_path(p->namespace_path);
        if (fd >= 0)
                return 0;
        return problem_error(problems, p->namespace_from, "NamespacePath=%s: %s", p->namespace_path,
                             fd == -EINVAL ? "not a network namespace" : strerror(-fd));
}

int network_namespace_open(const NetworkPlan *p, Failure *failure)
{
        int fd = open_path(p->namespace_path);

        return fd < 0 ? failure_set(failure, fd, "Failed to open network namespace %s: %m", p->namespace_path) : fd;
}

int network_namespace_visit(int netns_fd, int *ret_own, Failure *failure)
{
        _cleanup_close_ int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

        if (own < 0)
                return failure_set(failure, -errno, "Failed to open /proc/self/ns/net: %m");
        if (setns(netns_fd, CLONE_NEWNET) < 0)
                return failure_set(failure, -errno, "Failed to enter a network namespace: %m");

        *ret_own = TAKE_FD(own);
        return 0;
}

int network_namespace_return(int own, Failure *failure)
{
        if (setns(own, CLONE_NEWNET) < 0)
                return failure_set(failure, -errno, "Failed to return to the host's network namespace: %m");
        return 0;
}

/* The file that the path leads to is the namespace's of the process that opens it. */
int network_namespace_allow_ping(int netns_fd, int proc_fd, gid_t low, gid_t high, Failure *failure)
{
        const gid_t last = INT32_MAX;           /* of what the kernel takes */
        _cleanup_close_ int own = -EBADF;
        char text[32];
        int r, written;

        if (low > last)
                return 0;
        (void) snprintf(text, sizeof(text), "%u %u", low, high > last ? last : high);
        r = network_namespace_visit(netns_fd, &own, failure);
        if (r < 0)
                return r;
        written = fd_write_file_at(proc_fd, "sys/net/ipv4/ping_group_range", text);
        r = network_namespace_return(own, failure);
        if (written < 0 && written != -ENOENT && written != -EROFS)
                log_warning(written, "Failed to set net.ipv4.ping_group_range, ignoring: %m");
        return r;
}
