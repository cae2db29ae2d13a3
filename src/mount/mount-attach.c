/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Puts a machine's mounts together (see mount-attach.h). Runs in the child, root of its user namespace, with a mount
 * namespace of its own that is still a copy of the host's: nothing here is seen outside. Destinations are looked up by
 * openat2() inside the machine's root, so that its symbolic links mean what they mean to it.
 */

#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mount/mount-attach.h"
#include "mount/mount-make.h"
#include "payload/cgroup.h"
#include "util/fd.h"
#include "util/print.h"
#include "util/tree.h"

/* Where the machine's root is put until it becomes "/": a directory that every systemd host has and the child does not
 * need. */
#define STAGE_ROOT "/run"

static const char *name_source(const MountOp *op)
{
        if (op->source || op->fstype)
                return op->source ? op->source : op->fstype;
        return op->n_layers > 0 ? "an overlay" : mount_source_is_scratch(op->source_kind) ? "a temporary directory" : "a mask";
}

static int fail_because(const MountOp *op, int r, const char *more, Failure *failure)
{
        char source[SOURCE_TEXT_MAX];

        return failure_set(failure, r, "%s%sFailed to mount %s on '%s': %m%s",
                           op->from.where ? source_text(op->from, source) : "", op->from.where ? ": " : "",
                           name_source(op), op->dest, more);
}

static int fail_op(const MountOp *op, int r, Failure *failure)
{
        return fail_because(op, r, "", failure);
}

static int is_directory(int fd)
{
        struct stat st;

        return fstat(fd, &st) < 0 ? -errno : S_ISDIR(st.st_mode);
}

static int move_to(int fd, int dest_fd)
{
        return RET_ERRNO(move_mount(fd, "", dest_fd, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH));
}

/* The place for a mount that is a directory or a file; made where it is missing. */
static int open_place(const MountOp *op, int root_fd, bool directory, Failure *failure)
{
        int fd = tree_mountpoint(root_fd, op->dest, directory), r;

        if (fd == -EROFS || fd == -EPERM || fd == -EACCES)
                return fail_because(op, fd, " (there is no such place, and it cannot be made)", failure);
        if (fd < 0)
                return fail_op(op, fd, failure);

        r = is_directory(fd);
        if (r >= 0 && r != directory)
                r = fail_because(op, r ? -EISDIR : -ENOTDIR, r ? " (a file can only be mounted on a file)" :
                                                                 " (a directory can only be mounted on a directory)",
                                 failure);
        if (r < 0) {
                fd_close(fd);
                return r;
        }
        return fd;
}

static int open_dest(const MountOp *op, int root_fd)
{
        return tree_open(root_fd, op->dest, O_PATH | (op->flags & MOUNT_ON_LINK ? O_NOFOLLOW : 0));
}

/* A place where nothing is, or (for a file) where a link leads to nothing. Whether it could be made is seen when it is
 * opened. */
static void touch_dest(const MountOp *op, int root_fd, int fd)
{
        _cleanup_close_ int there = open_dest(op, root_fd), made = -EBADF;

        if (there != -ENOENT)
                return;
        if (is_directory(fd) > 0)
                made = tree_mkdir_p(root_fd, op->dest);
        else
                made = tree_create(root_fd, op->dest, O_WRONLY | O_CREAT | O_NONBLOCK | O_NOCTTY, 0644);
}

/* Puts a detached mount on the step's destination, which is made where it is missing and may be. */
static int attach_at_dest(const MountOp *op, int root_fd, int fd, Failure *failure)
{
        _cleanup_close_ int dest = -EBADF;
        int r;

        if (op->flags & MOUNT_CREATE_DEST)
                touch_dest(op, root_fd, fd);
        if (op->flags & MOUNT_OPTIONAL) {
                dest = open_dest(op, root_fd);
                if (dest == -ENOENT)
                        return 0;
                if (dest < 0)
                        return fail_op(op, dest, failure);
        } else {
                r = is_directory(fd);
                if (r < 0)
                        return fail_op(op, r, failure);
                dest = open_place(op, root_fd, r, failure);
                if (dest < 0)
                        return dest;
        }

        r = move_to(fd, dest);
        return r < 0 ? fail_op(op, r, failure) : 0;
}

/* Where things are while steps are being attached. */
typedef struct AttachContext {
        int root_fd;            /* the machine's "/" */
        int host_fd;            /* its /run/host, whatever else is mounted over that by now */
        int stage_fd;           /* what is mounted for later steps only; -EBADF: nothing yet */
} AttachContext;

/* The node below /run/host/inaccessible that can cover what is at dest. What is there has to be covered, whatever a tree makes
 * of paths: a mask that is not to be had is never taken for one that is not needed. */
static int open_mask(const MountOp *op, const AttachContext *c, Failure *failure)
{
        _cleanup_close_ int covered = tree_open(c->root_fd, op->dest, O_PATH);
        int r, fd;

        if (covered == -ENOENT && op->flags & MOUNT_OPTIONAL)
                return -ENOENT;
        r = covered < 0 ? covered : is_directory(covered);
        if (r < 0)
                return fail_op(op, r, failure);
        fd = openat(c->host_fd, r ? "inaccessible/dir" : "inaccessible/reg", O_PATH | O_NOFOLLOW | O_CLOEXEC);
        return fd < 0 ? failure_set(failure, -EIO, "Failed to cover '%s' in the machine: no %s to cover it with", op->dest,
                                    r ? "directory" : "file") : fd;
}

static int attach_bind(const MountOp *op, const AttachContext *c, Failure *failure)
{
        struct mount_attr attr = { .attr_set = op->attrs, .attr_clr = op->attrs_clear };
        unsigned below = op->flags & MOUNT_RECURSIVE ? AT_RECURSIVE : 0;
        _cleanup_close_ int source = -EBADF, fd = -EBADF;

        if (op->source_kind == MOUNT_SOURCE_MASK)
                source = open_mask(op, c, failure);
        else
                source = tree_open(op->source_kind == MOUNT_SOURCE_STAGED ? c->stage_fd : c->root_fd, op->source, O_PATH);
        if (source == -ENOENT && op->flags & MOUNT_OPTIONAL)
                return 0;
        if (source < 0)
                return fail_op(op, source, failure);

        fd = open_tree(source, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | below);
        if (fd < 0)
                return fail_op(op, -errno, failure);
        if (mount_setattr(fd, "", AT_EMPTY_PATH | below, &attr, sizeof(attr)) < 0)
                return fail_op(op, -errno, failure);

        return attach_at_dest(op, c->root_fd, fd, failure);
}

/* Below the host's cgroup tree, the cgroup that we are in by now is the machine's own. */
static int attach_own_cgroup(const MountOp *op, const AttachContext *c, Failure *failure)
{
        _cleanup_free_ char *cgroup = NULL, *source = NULL, *dest = NULL;
        MountOp own = *op;
        int r;

        r = cgroup_of_pid(0, &cgroup, failure);
        if (r < 0)
                return r;
        if (strf(&source, "%s%s", op->source, cgroup) < 0 || strf(&dest, "%s%s", op->dest, cgroup) < 0)
                return fail_op(op, -ENOMEM, failure);
        own.source = source;
        own.dest = dest;
        return attach_bind(&own, c, failure);
}

static int attach_inside(const MountOp *op, int root_fd, Failure *failure)
{
        _cleanup_close_ int fd = mount_new(op, op->attrs, failure);

        return fd < 0 ? fd : attach_at_dest(op, root_fd, fd, failure);
}

/* With the destinations of later steps created before. */
static int make_root_read_only(const MountPlan *plan, const MountWork *work, int root_fd, Failure *failure)
{
        struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };

        for (size_t i = 1; i < plan->n; i++) {
                int type = mount_place_type(plan, work, i, root_fd);
                _cleanup_close_ int place = -EBADF;

                if (type < 0)
                        continue;
                place = open_place(&plan->ops[i], root_fd, type, failure);
                if (place < 0)
                        return place;
        }

        if (mount_setattr(root_fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr)) < 0)
                return failure_set(failure, -errno, "Failed to make the machine's tree read-only: %m");
        return 0;
}

/* Everything of the host goes at once, the staged mounts with it. */
static int leave_host(int root_fd, Failure *failure)
{
        if (fchdir(root_fd) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 ||
            chdir("/") < 0)
                return failure_set(failure, -errno, "Failed to make the machine's tree its root: %m");
        return 0;
}

/* Of one that is attached: the kernel copies none that is not. */
static int copy_mount(int fd)
{
        return open_tree(fd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
}

static int attach_op(const MountOp *op, int fd, AttachContext *c, Failure *failure)
{
        if (op->flags & MOUNT_STAGED) {
                if (move_mount(fd, "", AT_FDCWD, op->dest, MOVE_MOUNT_F_EMPTY_PATH) < 0)
                        return fail_op(op, -errno, failure);
                c->stage_fd = fd;
                return 0;
        }

        switch (op->kind) {
        case MOUNT_CLONE:
        case MOUNT_NEW:
        case MOUNT_OVERLAY:
                if (c->host_fd < 0 && op->kind == MOUNT_NEW && strcmp(op->dest, "/run/host") == 0)
                        c->host_fd = fd;
                return fd < 0 ? 0 : attach_at_dest(op, c->root_fd, fd, failure);
        case MOUNT_NEW_IN_CHILD:
                return attach_inside(op, c->root_fd, failure);
        default:
                if (op->source_kind == MOUNT_SOURCE_OWN_CGROUP)
                        return attach_own_cgroup(op, c, failure);
                return attach_bind(op, c, failure);
        }
}

int mount_attach(const MountPlan *plan, MountWork *work, Failure *failure)
{
        AttachContext c = { .root_fd = work[0].fd, .host_fd = -EBADF, .stage_fd = -EBADF };
        int r;

        /* In a user namespace the copy of the host's mounts is a slave already; without one it is not, and what is
         * mounted here would show on the host. */
        if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
                return failure_set(failure, -errno, "Failed to part from the host's mounts: %m");
        if (move_mount(c.root_fd, "", AT_FDCWD, STAGE_ROOT, MOVE_MOUNT_F_EMPTY_PATH) < 0)
                return fail_op(&plan->ops[0], -errno, failure);
        if (plan->read_only_root) {
                r = make_root_read_only(plan, work, c.root_fd, failure);
                if (r < 0)
                        return r;
        }

        for (size_t i = 1; i < plan->n; i++) {
                if (plan->ops[i].flags & MOUNT_LATE)
                        continue;
                r = attach_op(&plan->ops[i], work[i].fd, &c, failure);
                if (r < 0)
                        return r;
        }

        r = leave_host(c.root_fd, failure);
        for (size_t i = 0; i < plan->n; i++) {
                int copy = r >= 0 && plan->ops[i].flags & MOUNT_EXPORT ? copy_mount(work[i].fd) : -EBADF;

                fd_close(work[i].fd);
                work[i].fd = copy;
        }
        return r;
}

/* What receives mounts from the host is shared with nobody inside: a mount that arrives there is to be moved on (machined
 * of systemd 252 does so for `machinectl bind`), which the kernel refuses below a shared one. */
static int stop_sharing(const MountPlan *plan, int root_fd, Failure *failure)
{
        struct mount_attr slave = { .propagation = MS_SLAVE };

        for (size_t i = 1; i < plan->n; i++) {
                _cleanup_close_ int fd = -EBADF;

                if (!(plan->ops[i].flags & MOUNT_SLAVE))
                        continue;
                fd = tree_open(root_fd, plan->ops[i].dest, O_PATH);
                if (fd == -ENOENT)
                        continue;       /* something else is mounted over it: nothing is moved on from there */
                if (fd < 0)
                        return fail_op(&plan->ops[i], fd, failure);
                if (mount_setattr(fd, "", AT_EMPTY_PATH, &slave, sizeof(slave)) < 0 && errno != EINVAL)
                        return fail_op(&plan->ops[i], -errno, failure);
        }

        return 0;
}

int mount_attach_late(const MountPlan *plan, Failure *failure)
{
        _cleanup_close_ int root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        AttachContext c = { .root_fd = root_fd, .host_fd = -EBADF, .stage_fd = -EBADF };
        struct mount_attr shared = { .propagation = MS_SHARED };
        int r;

        if (root_fd < 0)
                return failure_set(failure, -errno, "Failed to open the machine's root: %m");

        for (size_t i = 1; i < plan->n; i++) {
                if (!(plan->ops[i].flags & MOUNT_LATE))
                        continue;
                r = attach_op(&plan->ops[i], -EBADF, &c, failure);
                if (r < 0)
                        return r;
        }

        if (mount_setattr(root_fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &shared, sizeof(shared)) < 0)
                return failure_set(failure, -errno, "Failed to share the machine's mounts among themselves: %m");
        return stop_sharing(plan, root_fd, failure);
}
