/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Attaches a machine's mounts (see mount-attach.h). Runs in the child, root of its user namespace, in a mount namespace
 * of its own that begins as a copy of the host's: nothing here shows on the host. Destinations are looked up by
 * openat2() inside the machine's root, so that symbolic links are resolved as in the machine.
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

/* The machine's root is attached here until it becomes "/": every systemd host has the directory, and the child does
 * not need it. */
#define STAGE_ROOT "/run"

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

/* Opens the destination, a directory or a file, and creates it where it is missing. */
static int open_place(const MountOp *op, int root_fd, bool directory, Failure *failure)
{
        int fd = tree_mountpoint(root_fd, op->dest, directory), r;

        if (fd == -EROFS || fd == -EPERM || fd == -EACCES)
                return fail_because(op, fd, " (the destination does not exist and cannot be created)", failure);
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

/* Creates a missing destination, or (of a file) the missing target of a link there. Errors show when it is opened. */
static void create_dest(const MountOp *op, int root_fd, int fd)
{
        _cleanup_close_ int there = open_dest(op, root_fd), made = -EBADF;

        if (there != -ENOENT)
                return;
        if (is_directory(fd) > 0)
                made = tree_mkdir_p(root_fd, op->dest);
        else
                made = tree_create(root_fd, op->dest, O_WRONLY | O_CREAT | O_NONBLOCK | O_NOCTTY, 0644);
}

/* Attaches a detached mount to the step's destination. */
static int attach_at_dest(const MountOp *op, int root_fd, int fd, Failure *failure)
{
        _cleanup_close_ int dest = -EBADF;
        int r;

        if (op->flags & MOUNT_CREATE_DEST)
                create_dest(op, root_fd, fd);
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

typedef struct AttachContext {
        int root_fd;            /* the machine's "/" */
        int host_fd;            /* the mount of /run/host, which later steps may cover */
        int stage_fd;           /* the mount of the MOUNT_STAGED step; -EBADF: none so far */
} AttachContext;

/* Opens the node below /run/host/inaccessible with the type of dest. Only -ENOENT means that there is nothing to mask:
 * any other failure to open dest is an error, so that a tree cannot escape masking. */
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
        return fd < 0 ? failure_set(failure, -EIO, "Failed to mask '%s' in the machine: no inaccessible %s",
                                    op->dest, r ? "directory" : "file") : fd;
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

/* We are in the machine's cgroup by now. */
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

/* Detaches the host's tree with all mounts in it, the staged ones too. */
static int leave_host(int root_fd, Failure *failure)
{
        if (fchdir(root_fd) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 ||
            chdir("/") < 0)
                return failure_set(failure, -errno, "Failed to make the machine's tree its root: %m");
        return 0;
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

        /* With a user namespace the copies of the host's mounts are slaves already; without one they are not, and
         * mounts made here would show on the host. */
        if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
                return failure_set(failure, -errno, "Failed to detach from the host's mounts: %m");
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
                int copy = -EBADF;

                /* Now that it is attached: the kernel does not clone detached mounts. */
                if (r >= 0 && plan->ops[i].flags & MOUNT_EXPORT)
                        copy = open_tree(work[i].fd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
                fd_close(work[i].fd);
                work[i].fd = copy;
        }
        return r;
}

/* The mounts that receive the host's are not shared: machined of systemd 252 moves a mount away from there (`machinectl
 * bind`), which the kernel refuses where the parent mount is shared. */
static int stop_sharing(const MountPlan *plan, int root_fd, Failure *failure)
{
        struct mount_attr slave = { .propagation = MS_SLAVE };

        for (size_t i = 1; i < plan->n; i++) {
                _cleanup_close_ int fd = -EBADF;

                if (!(plan->ops[i].flags & MOUNT_SLAVE))
                        continue;
                fd = tree_open(root_fd, plan->ops[i].dest, O_PATH);
                if (fd == -ENOENT)
                        continue;       /* covered by another mount: nothing arrives there */
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
                return failure_set(failure, -errno, "Failed to share the machine's mounts with namespaces inside: %m");
        return stop_sharing(plan, root_fd, failure);
}
