/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The supervisor's steps of a plan, one after the other (see mount-make.h), and what new file systems hold. Runs in the
 * supervisor with the host's CAP_SYS_ADMIN and CAP_MKNOD.
 *
 * proc and sysfs are mounted here, not by the child: the kernel lets a user namespace mount them only where the host's own are
 * fully visible, which they are not on a host that is a container itself.
 */

#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mount/mount-make.h"
#include "mount/mount-overlay.h"
#include "users/user-namespace.h"
#include "util/fd.h"
#include "util/namespace-call.h"
#include "util/tree.h"

/* ---- what is in a new file system ------------------------------------------------------------------------- */

static int make_file(int fd, const NodeOp *n)
{
        _cleanup_close_ int file = openat(fd, n->path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, n->mode);

        if (file < 0)
                return -errno;
        return n->text ? fd_write_all(file, n->text, strlen(n->text)) : 0;
}

/* The file system is new and ours alone: plain relative paths cannot lead anywhere else. */
static int make_node(int fd, const NodeOp *n)
{
        switch (n->kind) {
        case NODE_DIR:
                return RET_ERRNO(mkdirat(fd, n->path, n->mode));
        case NODE_FILE:
                return make_file(fd, n);
        case NODE_LINK:
                return RET_ERRNO(symlinkat(n->text, fd, n->path));
        case NODE_FIFO:
                return RET_ERRNO(mknodat(fd, n->path, S_IFIFO | n->mode, 0));
        case NODE_SOCK:
                return RET_ERRNO(mknodat(fd, n->path, S_IFSOCK | n->mode, 0));
        case NODE_DEVICE:
                return RET_ERRNO(mknodat(fd, n->path, n->mode, n->rdev));
        default:
                return -EINVAL;
        }
}

static int chown_node(int fd, const NodeOp *n, uid_t owner)
{
        if (n->has_owner)
                return fchownat(fd, n->path, n->uid, n->gid, AT_SYMLINK_NOFOLLOW);
        return owner == 0 ? 0 : fchownat(fd, n->path, owner, owner, AT_SYMLINK_NOFOLLOW);
}

static int populate(int fd, const MountOp *op, uid_t owner, Failure *failure)
{
        for (size_t i = 0; i < op->n_nodes; i++) {
                const NodeOp *n = &op->nodes[i];
                int r = make_node(fd, n);

                if (r < 0 && n->optional)
                        continue;
                if (r < 0)
                        return failure_set(failure, r, "Failed to make %s/%s of the machine: %m%s", op->dest, n->path,
                                           n->kind == NODE_DEVICE && r == -EPERM ?
                                                   " (does the unit's DeviceAllow= name it?)" : "");
                if (chown_node(fd, n, owner) < 0)
                        return failure_set(failure, -errno, "Failed to give %s/%s to the machine: %m", op->dest, n->path);
        }

        return 0;
}

static int make_new(const MountOp *op, const MountMakeContext *c, Failure *failure)
{
        _cleanup_close_ int fd = -EBADF;
        mode_t mask;
        int r;

        fd = mount_new(op, op->attrs & ~(uint64_t) MOUNT_ATTR_RDONLY, failure);
        if (fd < 0)
                return fd;

        mask = umask(0);
        r = populate(fd, op, c->owner, failure);
        (void) umask(mask);
        return r < 0 ? r : TAKE_FD(fd);
}

/* ---- copies of the host's mounts --------------------------------------------------------------------------- */

/* What a directory on "/" lacks, before it has a map: we are nobody to one with it. */
static int populate_missing(int fd, const MountOp *op, const MountMakeContext *c, Failure *failure)
{
        uid_t owner = op->id_map ? 0 : c->owner;

        for (size_t i = 0; i < op->n_nodes; i++) {
                int r = make_node(fd, &op->nodes[i]);

                if (r == -EEXIST)
                        continue;
                if (r < 0 || fchownat(fd, op->nodes[i].path, owner, owner, AT_SYMLINK_NOFOLLOW) < 0)
                        return failure_set(failure, r < 0 ? r : -errno, "Failed to make '%s' in '%s': %m", op->nodes[i].path,
                                           mount_source_name(op));
        }
        return 0;
}

static int make_tree(const MountOp *op, int root_fd, const MountMakeContext *c, const MountScratch *scratch, Failure *failure)
{
        _cleanup_close_ int fd = mount_open_source(op, c, scratch, failure);
        int r;

        if (fd < 0)
                return fd;
        r = populate_missing(fd, op, c, failure);
        if (r >= 0)
                r = mount_set_attributes(op, fd, root_fd, c, failure);
        return r < 0 ? r : TAKE_FD(fd);
}

/* ---- the plan ---------------------------------------------------------------------------------------------- */

static int open_context(void *fstype)
{
        return RET_ERRNO(fsopen(fstype, FSOPEN_CLOEXEC));
}

/* setns() moves only the caller's children into a PID namespace. */
static int open_context_in_child(void *fstype)
{
        return namespace_call(-EBADF, 0, open_context, fstype);
}

/* proc and sysfs show the namespaces of the process that opens their context. */
static int make_in_namespace(const MountOp *op, const MountMakeContext *c, Failure *failure)
{
        bool pid = op->namespace == MOUNT_NAMESPACE_PID;
        _cleanup_close_ int context = namespace_call(c->leader_pidfd, pid ? CLONE_NEWPID : CLONE_NEWNET,
                                                     pid ? open_context_in_child : open_context, op->fstype);

        return mount_new_from_context(context, op, op->attrs & ~(uint64_t) MOUNT_ATTR_RDONLY, failure);
}

static int make_step(const MountPlan *plan, size_t i, int root_fd, const MountMakeContext *c, Failure *failure)
{
        const MountScratch *scratch = c->scratch ? &c->scratch[i] : NULL;
        const MountOp *op = &plan->ops[i];

        if (op->kind == MOUNT_CLONE)
                return make_tree(op, root_fd, c, scratch, failure);
        if (op->kind == MOUNT_OVERLAY)
                return mount_overlay_make(op, c, scratch, failure);
        if (op->namespace)
                return make_in_namespace(op, c, failure);
        return make_new(op, c, failure);
}

int mount_make(const MountPlan *plan, const MountMakeContext *c, int *fds, Failure *failure)
{
        for (size_t i = 0; i < plan->n; i++)
                fds[i] = -EBADF;

        for (size_t i = 0; i < plan->n; i++) {
                const MountOp *op = &plan->ops[i];
                int fd;

                if (op->kind == MOUNT_NEW_IN_CHILD || op->kind == MOUNT_BIND)
                        continue;
                fd = make_step(plan, i, fds[0], c, failure);
                if (fd == -ENOENT && op->flags & MOUNT_OPTIONAL)
                        continue;
                if (fd < 0)
                        return fd;
                fds[i] = fd;
        }

        return 0;
}

/* The child cannot make the place to mount on in a file system that is read-only when it gets it, nor in a directory of the
 * host where the machine's root is nobody. In the latter it may still be there: that is for the child to find out. */
static int make_place(const MountPlan *plan, const int *fds, size_t i, Failure *failure)
{
        size_t below = mount_plan_below(plan, i);
        const MountOp *op = &plan->ops[i], *on = &plan->ops[below];
        bool sealed = on->kind == MOUNT_NEW && on->attrs & MOUNT_ATTR_RDONLY;
        bool of_host = on->kind == MOUNT_CLONE && !on->id_map;
        _cleanup_close_ int place_fd = -EBADF;
        char where[SOURCE_TEXT_MAX + 2];
        struct stat st;

        if (below == 0 || (!sealed && !of_host) || fds[below] < 0 || fstat(fds[i], &st) < 0)
                return 0;
        place_fd = tree_mountpoint(fds[below], op->dest + strlen(on->dest), S_ISDIR(st.st_mode));
        if (place_fd < 0 && sealed)
                return failure_set(failure, place_fd, "%s'%s' is not there in the machine's %s, and cannot be made: %m",
                                   mount_describe_place(op, where), op->dest, on->dest);
        return 0;
}

int mount_make_seal(const MountPlan *plan, const int *fds, Failure *failure)
{
        struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };
        int r;

        for (size_t i = 1; i < plan->n; i++) {
                if (!plan->ops[i].from.where || fds[i] < 0)
                        continue;
                r = make_place(plan, fds, i, failure);
                if (r < 0)
                        return r;
        }

        for (size_t i = 0; i < plan->n; i++) {
                const MountOp *op = &plan->ops[i];

                if (op->kind != MOUNT_NEW || !(op->attrs & MOUNT_ATTR_RDONLY) || fds[i] < 0)
                        continue;
                if (mount_setattr(fds[i], "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
                        return failure_set(failure, -errno, "Failed to make %s of the machine read-only: %m", op->dest);
        }

        return 0;
}

int mount_make_find(const MountPlan *plan, const int *fds, const char *dest)
{
        const MountOp *op = mount_plan_find(plan, dest);

        return op ? fds[op - plan->ops] : -EBADF;
}
