/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Carries out the supervisor's steps of a plan in their order (see mount-make.h) and populates new file systems. Runs
 * in the supervisor with the host's CAP_SYS_ADMIN and CAP_MKNOD.
 *
 * proc and sysfs are mounted here, not by the machine's root: the kernel lets a user namespace mount them only where the host's
 * own are fully visible, which they are not on a host that is a container itself.
 */

#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mount/mount-left.h"
#include "mount/mount-make.h"
#include "mount/mount-overlay.h"
#include "users/id-range.h"
#include "users/user-namespace.h"
#include "util/fd.h"
#include "util/namespace-call.h"
#include "util/print.h"
#include "util/tree.h"

/* ---- new file systems ------------------------------------------------------------------------- */

static int make_file(int fd, const NodeOp *n)
{
        _cleanup_close_ int file = openat(fd, n->path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, n->mode);

        if (file < 0)
                return -errno;
        return n->text ? fd_write_all(file, n->text, strlen(n->text)) : 0;
}

/* In a new file system that only we can see, plain relative paths lead nowhere else. */
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
        return fchownat(fd, n->path, n->has_owner ? n->uid : owner, n->has_owner ? n->gid : owner, AT_SYMLINK_NOFOLLOW);
}

/* In a user namespace, and where the device policy forbids it, we cannot create device nodes: the host's are bound. */
static int make_device_place(int fd, const MountOp *op, const NodeOp *n)
{
        NodeOp place = { .kind = NODE_FILE, .path = n->path };
        _cleanup_free_ char *path = NULL;
        struct stat st;

        if (strf(&path, "%s/%s", op->dest, n->path) < 0)
                return -ENOMEM;
        if (strncmp(path, "/dev/", 5) != 0 || stat(path, &st) < 0 ||
            (st.st_mode & S_IFMT) != (n->mode & S_IFMT) || st.st_rdev != n->rdev)
                return -EPERM;
        return make_file(fd, &place);
}

static int populate(int fd, MountWork *w, uid_t owner, Failure *failure)
{
        const MountOp *op = w->op;

        for (size_t i = 0; i < op->n_nodes; i++) {
                const NodeOp *n = &op->nodes[i];
                int r = make_node(fd, n);

                if (r == -EPERM && n->kind == NODE_DEVICE) {
                        r = make_device_place(fd, op, n);
                        w->binds_devices = w->binds_devices || r >= 0;
                }
                if (r < 0 && n->optional)
                        continue;
                if (r < 0)
                        return failure_set(failure, r, "Failed to create the machine's %s/%s: %m%s", op->dest, n->path,
                                           n->kind == NODE_DEVICE && r == -EPERM ?
                                                   " (does the unit's DeviceAllow= name it?)" : "");
                if (chown_node(fd, n, owner) < 0)
                        return failure_set(failure, -errno, "Failed to change the owner of the machine's %s/%s: %m",
                                           op->dest, n->path);
        }

        return 0;
}

static int make_new(MountWork *w, const MountMakeContext *c, Failure *failure)
{
        const MountOp *op = w->op;
        _cleanup_close_ int fd = -EBADF;
        mode_t mask;
        int r;

        fd = mount_new(op, op->attrs & ~(uint64_t) MOUNT_ATTR_RDONLY, failure);
        if (fd < 0)
                return fd;

        mask = umask(0);
        r = populate(fd, w, c->owner, failure);
        (void) umask(mask);
        return r < 0 ? r : TAKE_FD(fd);
}

/* ---- copies of the host's mounts --------------------------------------------------------------------------- */

/* Creates what a directory on "/" lacks, before it gets its id map: through that we could not write. */
static int populate_missing(int fd, const MountOp *op, const MountMakeContext *c, Failure *failure)
{
        uid_t owner = op->id_map == MOUNT_IDMAP_FOREIGN ? ID_RANGE_FOREIGN : op->id_map ? 0 : c->owner;

        for (size_t i = 0; i < op->n_nodes; i++) {
                int r = make_node(fd, &op->nodes[i]);

                if (r == -EEXIST)
                        continue;
                if (r < 0 || fchownat(fd, op->nodes[i].path, owner, owner, AT_SYMLINK_NOFOLLOW) < 0)
                        return failure_set(failure, r < 0 ? r : -errno, "Failed to create '%s' in '%s': %m", op->nodes[i].path,
                                           mount_source_name(op));
        }
        return 0;
}

static int make_clone(const MountWork *work, size_t n, size_t i, const MountMakeContext *c, Failure *failure)
{
        const MountOp *op = work[i].op;
        _cleanup_close_ int fd = mount_open_source(op, c, &work[i].scratch, failure);
        int r, less;

        if (fd < 0)
                return fd;
        r = populate_missing(fd, op, c, failure);
        if (r < 0)
                return r;
        if (op->id_map && op->flags & MOUNT_RECURSIVE && !(op->flags & MOUNT_OPTIONAL)) {
                if (mount_set_attributes(op, fd, work[0].fd, c, NULL) >= 0)
                        return TAKE_FD(fd);
                /* Perhaps for a file system that is left mounted where the machine has one of its own. */
                less = mount_left_drop(fd, work, n, i);
                if (less >= 0) {
                        fd_close(fd);
                        fd = less;
                }
        }
        r = mount_set_attributes(op, fd, work[0].fd, c, failure);
        return r < 0 ? r : TAKE_FD(fd);
}

/* ---- the plan ---------------------------------------------------------------------------------------------- */

/* Types of file systems that show a namespace of the process that opens their contexts. */
static const char *const namespace_types[_MOUNT_NAMESPACE_MAX] = {
        [MOUNT_NAMESPACE_NETWORK] = "sysfs", [MOUNT_NAMESPACE_PID] = "proc", [MOUNT_NAMESPACE_IPC] = "mqueue",
};

typedef struct Contexts {
        int fd[_MOUNT_NAMESPACE_MAX];
} Contexts;

static void close_contexts(Contexts *a)
{
        for (size_t i = 0; i < _MOUNT_NAMESPACE_MAX; i++)
                a->fd[i] = fd_close(a->fd[i]);
}

static int open_contexts(void *argument)
{
        Contexts *a = argument;

        for (size_t i = 0; i < _MOUNT_NAMESPACE_MAX; i++)
                if (namespace_types[i])
                        a->fd[i] = RET_ERRNO(fsopen(namespace_types[i], FSOPEN_CLOEXEC));
        return 0;
}

/* One helper opens all. setns() moves only the children of its caller into a PID namespace: so ours are the machine's until we
 * are back, and a supervisor that cannot come back has failed. */
static int enter_and_open_contexts(const MountMakeContext *c, Contexts *ret, Failure *failure)
{
        _cleanup_close_ int own = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
        int r;

        if (own < 0 || setns(c->leader_pidfd, CLONE_NEWPID) < 0)
                return failure_set(failure, -errno, "Failed to enter the machine's PID namespace: %m");
        r = namespace_call(c->leader_pidfd, CLONE_NEWNET | CLONE_NEWIPC, open_contexts, ret);
        if (setns(own, CLONE_NEWPID) < 0)
                return failure_set(failure, -errno, "Failed to return from the machine's PID namespace: %m");
        return r < 0 ? failure_set(failure, r, "Failed to enter the machine's namespaces: %m") : 0;
}

static int make_in_namespace(const MountOp *op, const MountMakeContext *c, Contexts *a, Failure *failure)
{
        _cleanup_close_ int context = -EBADF;
        int r;

        /* The first of its kind, or another one. */
        if (a->fd[op->namespace] == -EBADF) {
                close_contexts(a);
                r = enter_and_open_contexts(c, a, failure);
                if (r < 0)
                        return r;
        }
        context = TAKE_FD(a->fd[op->namespace]);
        return mount_new_from_context(context, op, op->attrs & ~(uint64_t) MOUNT_ATTR_RDONLY, failure);
}

static int make_step(MountWork *work, size_t n, size_t i, const MountMakeContext *c, Contexts *a, Failure *failure)
{
        MountWork *w = &work[i];

        if (w->op->kind == MOUNT_CLONE)
                return make_clone(work, n, i, c, failure);
        if (w->op->kind == MOUNT_OVERLAY)
                return mount_overlay_make(w, c, failure);
        if (w->op->namespace)
                return make_in_namespace(w->op, c, a, failure);
        return make_new(w, c, failure);
}

/* A source that may be missing is no failure. */
static bool is_left_out(const MountOp *op, int r, const Failure *failure)
{
        if (r != -ENOENT || failure->error < 0 || !(op->flags & (MOUNT_OPTIONAL | MOUNT_IF_SOURCE)))
                return false;
        mount_source_say_missing(op);
        return true;
}

static int make_all(MountWork *work, size_t n, bool in_namespaces, const MountMakeContext *c, Failure *failure)
{
        _cleanup_(close_contexts) Contexts contexts = { { -EBADF, -EBADF, -EBADF, -EBADF } };

        for (size_t i = 0; i < n; i++) {
                const MountOp *op = work[i].op;
                int fd;

                if (op->kind == MOUNT_BIND || op->flags & MOUNT_LATE || in_namespaces != (op->namespace != 0))
                        continue;
                fd = make_step(work, n, i, c, &contexts, failure);
                if (is_left_out(op, fd, failure))
                        continue;
                if (fd < 0)
                        return fd;
                work[i].fd = fd;
        }

        return 0;
}

int mount_make(MountWork *work, size_t n, const MountMakeContext *c, Failure *failure)
{
        return make_all(work, n, /* in_namespaces= */ false, c, failure);
}

int mount_make_in_namespaces(MountWork *work, size_t n, const MountMakeContext *c, Failure *failure)
{
        return make_all(work, n, /* in_namespaces= */ true, c, failure);
}

/* The machine's root cannot create the destination in a file system that will be read-only, nor in a directory of the host on
 * which the machine's root has no rights. There the destination may exist all the same, which mount-dest.c finds out. */
static int make_dest(const MountPlan *plan, const MountWork *work, size_t i, Failure *failure)
{
        const MountWork *on = &work[mount_plan_below(plan, i)], *w = &work[i];
        bool sealed = on->op->kind == MOUNT_NEW && on->op->attrs & MOUNT_ATTR_RDONLY;
        bool of_host = on->op->kind == MOUNT_CLONE && !on->op->id_map;
        _cleanup_close_ int dest_fd = -EBADF;
        struct stat st;

        if (on == work || (!sealed && !of_host) || on->fd < 0 || fstat(w->fd, &st) < 0)
                return 0;
        dest_fd = tree_mountpoint(on->fd, w->op->dest + strlen(on->op->dest), S_ISDIR(st.st_mode));
        if (dest_fd < 0 && sealed)
                return failure_set_at(failure, w->op->from, dest_fd, "'%s' does not exist in the machine's %s and cannot be "
                                      "created: %m", w->op->dest, on->op->dest);
        return 0;
}

int mount_make_seal(const MountPlan *plan, const MountWork *work, Failure *failure)
{
        struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };
        int r;

        for (size_t i = 1; i < plan->n; i++) {
                if (!plan->ops[i].from.where || work[i].fd < 0)
                        continue;
                r = make_dest(plan, work, i, failure);
                if (r < 0)
                        return r;
        }

        for (size_t i = 0; i < plan->n; i++) {
                const MountOp *op = &plan->ops[i];

                if (op->kind != MOUNT_NEW || !(op->attrs & MOUNT_ATTR_RDONLY) || work[i].fd < 0)
                        continue;
                if (mount_setattr(work[i].fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
                        return failure_set(failure, -errno, "Failed to make the machine's %s read-only: %m", op->dest);
        }

        return 0;
}

int mount_make_find(const MountPlan *plan, const MountWork *work, const char *dest)
{
        const MountOp *op = mount_plan_find(plan, dest);

        return op ? work[op - plan->ops].fd : -EBADF;
}
