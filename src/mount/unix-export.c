/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The host's side of a machine's unix-export directory (see unix-export.h). Runs in the supervisor: unix_export_up() as
 * root of the host, unix_export_down() with reduced privileges.
 *
 * umount2(2) needs CAP_SYS_ADMIN, which the supervisor drops once the machine runs. But rmdir(2) of a mount point needs
 * only write permission for its parent, and detaches the mounts on it, unless the caller's own mount namespace has one.
 * So a helper joins the machine's mount namespace, which has none there, and removes the directory by a descriptor of
 * the parent. It may join: we created the machine's user namespace and thus have all capabilities in it.
 */

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mount/unix-export.h"
#include "util/fd.h"
#include "util/namespace-call.h"
#include "util/print.h"

/* Fixed by systemd (systemd-ssh-proxy(1) and its documentation). */
#define EXPORT_DIR "/run/systemd/nspawn/unix-export"

static int open_dir(void)
{
        int r = fd_mkdir(EXPORT_DIR, 0755);

        return r < 0 ? r : RET_ERRNO(open(EXPORT_DIR, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

static int open_namespaces(UnixExport *e, pid_t leader)
{
        char path[64];

        (void) snprintf(path, sizeof(path), "/proc/%d/ns/user", leader);
        e->userns_fd = open(path, O_RDONLY | O_CLOEXEC);
        (void) snprintf(path, sizeof(path), "/proc/%d/ns/mnt", leader);
        e->mntns_fd = open(path, O_RDONLY | O_CLOEXEC);
        return e->userns_fd < 0 || e->mntns_fd < 0 ? -errno : 0;
}

/* -EPERM without privilege, -EINVAL where nothing is mounted. */
static int unmount(const char *name)
{
        _cleanup_free_ char *path = NULL;

        if (strf(&path, EXPORT_DIR "/%s", name) < 0)
                return -ENOMEM;
        return RET_ERRNO(umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW));
}

static int attach(UnixExport *e, int mount_fd)
{
        struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };
        _cleanup_close_ int place = -EBADF;

        if (mkdirat(e->dir_fd, e->name, 0755) < 0 && errno != EEXIST)
                return -errno;
        while (unmount(e->name) >= 0)
                ;
        place = openat(e->dir_fd, e->name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (place < 0)
                return -errno;
        if (mount_setattr(mount_fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
                return -errno;
        return RET_ERRNO(move_mount(mount_fd, "", place, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH));
}

int unix_export_up(const char *name, int mount_fd, pid_t leader, UnixExport *ret, Failure *failure)
{
        UnixExport e = UNIX_EXPORT_NULL;
        int r;

        e.dir_fd = open_dir();
        e.name = strdup(name);
        r = e.dir_fd < 0 ? e.dir_fd : !e.name ? -ENOMEM : 0;
        if (r >= 0 && leader > 0)
                r = open_namespaces(&e, leader);
        if (r >= 0)
                r = attach(&e, mount_fd);
        if (r < 0) {
                unix_export_down(&e);
                return failure_set(failure, r, "Failed to mount '" EXPORT_DIR "/%s': %m", name);
        }

        *ret = e;
        return 0;
}

/* In the machine's user namespace. */
static int remove_from_inside(void *userdata)
{
        const UnixExport *e = userdata;

        return setns(e->mntns_fd, CLONE_NEWNS) < 0 ? -errno : RET_ERRNO(unlinkat(e->dir_fd, e->name, AT_REMOVEDIR));
}

void unix_export_down(UnixExport *e)
{
        if (e->dir_fd >= 0 && e->name) {
                if (unmount(e->name) == -EPERM)
                        (void) namespace_call(e->userns_fd, CLONE_NEWUSER, remove_from_inside, e);
                else
                        (void) unlinkat(e->dir_fd, e->name, AT_REMOVEDIR);
        }

        fd_close(e->dir_fd);
        fd_close(e->userns_fd);
        fd_close(e->mntns_fd);
        free(e->name);
        *e = (UnixExport) UNIX_EXPORT_NULL;
}

void unix_export_remove_left(const char *name)
{
        _cleanup_close_ int dir_fd = open(EXPORT_DIR, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        if (dir_fd < 0)
                return;
        while (unmount(name) >= 0)
                ;
        (void) unlinkat(dir_fd, name, AT_REMOVEDIR);
}
