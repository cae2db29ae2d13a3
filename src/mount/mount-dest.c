/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Destinations of mounts (see mount-dest.h), looked up by openat2() inside the machine's root, so that symbolic links
 * are resolved as in the machine. Runs in the helper of mount-attach.c, with the privilege of the host's root, and in
 * the child. What is missing is created with the rights of the machine's root: in directories of the host that settings
 * show to the machine, too.
 */

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "mount/mount-dest.h"
#include "util/fd.h"
#include "util/namespace-call.h"
#include "util/tree.h"

static const char *name_source(const MountOp *op)
{
        if (op->source || op->fstype)
                return op->source ? op->source : op->fstype;
        return op->n_layers > 0 ? "an overlay" : mount_source_is_scratch(op->source_kind) ? "a temporary directory" : "a mask";
}

static int fail_because(const MountOp *op, int r, const char *more, Failure *failure)
{
        return failure_set_at(failure, op->from, r, "Failed to mount %s on '%s': %m%s", name_source(op), op->dest, more);
}

int mount_dest_failure(const MountOp *op, int r, Failure *failure)
{
        return fail_because(op, r, "", failure);
}

/* ---- creation ---------------------------------------------------------------------------------------------- */

typedef struct Creation {
        const MountDest *dest;
        const MountOp *op;
        bool directory;
} Creation;

int mount_dest_become(uid_t id)
{
        return RET_ERRNO(setgroups(0, NULL) < 0 || setresgid(id, id, id) < 0 || setresuid(id, id, id) < 0 ? -1 : 0);
}

static int create_as_machine(void *userdata)
{
        const Creation *c = userdata;
        int r = mount_dest_become(c->dest->first_id);

        return r < 0 ? r : tree_mountpoint(c->dest->root_fd, c->op->dest, c->directory);
}

/* A descriptor of it, or negative errno. */
static int create_dest(const MountOp *op, const MountDest *d, bool directory)
{
        Creation c = { d, op, directory };

        if (d->userns_fd < 0)
                return tree_mountpoint(d->root_fd, op->dest, directory);
        return namespace_call(d->userns_fd, CLONE_NEWUSER, create_as_machine, &c);
}

static int set_read_only(const MountDest *d, bool read_only, unsigned below)
{
        struct mount_attr attr = {
                .attr_set = read_only ? MOUNT_ATTR_RDONLY : 0, .attr_clr = read_only ? 0 : MOUNT_ATTR_RDONLY,
        };

        return RET_ERRNO(mount_setattr(d->root_fd, "", AT_EMPTY_PATH | below, &attr, sizeof(attr)));
}

int mount_dest_set_read_only(MountDest *d, Failure *failure)
{
        struct statvfs before;
        int r = RET_ERRNO(fstatvfs(d->root_fd, &before));

        if (r >= 0)
                r = set_read_only(d, true, AT_RECURSIVE);
        if (r < 0)
                return failure_set(failure, r, "Failed to make the machine's tree read-only: %m");
        d->read_only = !(before.f_flag & ST_RDONLY);
        return 0;
}

/* For a required step. The tree is to be read-only for the machine only. */
static int create_in_read_only(const MountOp *op, const MountDest *d, bool directory)
{
        int fd, r;

        r = set_read_only(d, false, 0);
        if (r < 0)
                return r;
        fd = create_dest(op, d, directory);
        r = set_read_only(d, true, 0);
        if (r < 0)
                fd_close(fd);
        return r < 0 ? r : fd;
}

/* ---- lookup ------------------------------------------------------------------------------------------------ */

static int is_directory(int fd)
{
        struct stat st;

        return fstat(fd, &st) < 0 ? -errno : S_ISDIR(st.st_mode);
}

int mount_dest_check(const MountOp *op, int fd, bool directory, Failure *failure)
{
        int r = is_directory(fd);

        if (r < 0 || r == directory)
                return r < 0 ? mount_dest_failure(op, r, failure) : 0;
        return fail_because(op, r ? -EISDIR : -ENOTDIR, r ? " (a file can only be mounted on a file)" :
                                                            " (a directory can only be mounted on a directory)", failure);
}

int mount_dest_open(const MountOp *op, const MountDest *d, bool directory, Failure *failure)
{
        int fd = tree_open(d->root_fd, op->dest, O_PATH), r;

        if (fd == -ENOENT)
                fd = create_dest(op, d, directory);
        if (fd == -EROFS && d->read_only)
                fd = create_in_read_only(op, d, directory);
        if (fd == -EROFS || fd == -EPERM || fd == -EACCES)
                return fail_because(op, fd, " (the destination does not exist and cannot be created)", failure);
        if (fd < 0)
                return mount_dest_failure(op, fd, failure);

        r = mount_dest_check(op, fd, directory, failure);
        if (r < 0) {
                fd_close(fd);
                return r;
        }
        return fd;
}

static int open_optional(const MountOp *op, const MountDest *d, bool directory)
{
        int flags = O_PATH | (op->flags & MOUNT_ON_LINK ? O_NOFOLLOW : 0);
        int fd = tree_open(d->root_fd, op->dest, flags);

        if (fd != -ENOENT || !(op->flags & MOUNT_CREATE_DEST))
                return fd;
        /* Why that failed does not matter: the destination is missing, then. */
        fd_close(create_dest(op, d, directory));
        return tree_open(d->root_fd, op->dest, flags);
}

/* For a file that the host only offers: the machine has links in a circle there, or a directory. */
static bool is_unfit(int dest, bool directory)
{
        return dest == -ELOOP || (dest >= 0 && is_directory(dest) != directory);
}

int mount_dest_attach(const MountOp *op, const MountDest *d, int fd, Failure *failure)
{
        _cleanup_close_ int dest = -EBADF;
        int directory = is_directory(fd);

        if (directory < 0)
                return mount_dest_failure(op, directory, failure);
        if (op->flags & MOUNT_OPTIONAL) {
                dest = open_optional(op, d, directory);
                if (dest == -ENOENT || (op->flags & MOUNT_CREATE_DEST && is_unfit(dest, directory)))
                        return 0;
                if (dest < 0)
                        return mount_dest_failure(op, dest, failure);
        } else {
                dest = mount_dest_open(op, d, directory, failure);
                if (dest < 0)
                        return dest;
        }

        if (move_mount(fd, "", dest, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
                return mount_dest_failure(op, -errno, failure);
        return 0;
}
