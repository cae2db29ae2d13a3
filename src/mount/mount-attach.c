/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Attaches a machine's mounts (see mount-attach.h).
 *
 * mount_attach() runs in a helper of the supervisor, with the privilege of the host's root, in a mount namespace of its own
 * that begins as a copy of the host's: nothing here shows on the host. Once the machine's tree is "/" there and the host's is
 * gone, the helper joins the machine's user namespace and copies that small mount namespace into one that the machine's user
 * namespace owns. The kernel locks all mounts in such a copy (MNT_LOCKED, and their ro, nosuid, nodev, noexec and atime): the
 * machine's root can neither unmount, move or uncover them nor make them writable. Steps with MOUNT_UNLOCKED follow then.
 *
 * mount_attach_late() runs in the child, root of the machine's user namespace, in the machine's mount namespace.
 */

#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mount/mount-attach.h"
#include "mount/mount-dest.h"
#include "mount/mount-make.h"
#include "mount/mount-source.h"
#include "payload/cgroup.h"
#include "util/fd.h"
#include "util/namespace-call.h"
#include "util/print.h"
#include "util/tree.h"

/* The machine's root is attached here until it becomes "/": every systemd host has the directory, and it is not needed
 * meanwhile. */
#define STAGE_ROOT "/run"

typedef struct AttachContext {
        MountDest dest;
        int host_fd;            /* the mount of /run/host, which later steps may cover; of late ones, what is there */
        int stage_fd;           /* the mount of the MOUNT_STAGED step; -EBADF: none so far */
} AttachContext;

/* Opens the node below /run/host/inaccessible with the type of dest. Only -ENOENT means that there is nothing to mask:
 * any other failure to open dest is an error, so that a tree cannot escape masking. */
static int open_mask(const MountOp *op, const AttachContext *c, Failure *failure)
{
        _cleanup_close_ int covered = tree_open(c->dest.root_fd, op->dest, O_PATH);
        struct stat st;
        bool directory;
        int fd;

        if (covered == -ENOENT && op->flags & MOUNT_OPTIONAL)
                return -ENOENT;
        if (covered < 0)
                return mount_dest_failure(op, covered, failure);
        if (fstat(covered, &st) < 0)
                return mount_dest_failure(op, -errno, failure);
        directory = S_ISDIR(st.st_mode);
        fd = openat(c->host_fd, directory ? "inaccessible/dir" : "inaccessible/reg", O_PATH | O_NOFOLLOW | O_CLOEXEC);
        return fd < 0 ? failure_set(failure, -EIO, "Failed to mask '%s' in the machine: no inaccessible %s",
                                    op->dest, directory ? "directory" : "file") : fd;
}

/* The mount of a MOUNT_BIND, detached; -EBADF: an optional one without a source. */
static int clone_bind(const MountOp *op, const AttachContext *c, Failure *failure)
{
        struct mount_attr attr = { .attr_set = op->attrs, .attr_clr = op->attrs_clear };
        unsigned below = op->flags & MOUNT_RECURSIVE ? AT_RECURSIVE : 0;
        _cleanup_close_ int source = -EBADF, fd = -EBADF;

        if (op->source_kind == MOUNT_SOURCE_MASK)
                source = open_mask(op, c, failure);
        else
                source = tree_open(op->source_kind == MOUNT_SOURCE_STAGED ? c->stage_fd : c->dest.root_fd, op->source,
                                   O_PATH);
        if (source == -ENOENT && op->flags & (MOUNT_OPTIONAL | MOUNT_IF_SOURCE)) {
                mount_source_say_missing(op);
                return -EBADF;
        }
        if (source < 0)
                return mount_dest_failure(op, source, failure);

        fd = open_tree(source, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | below);
        if (fd < 0 || mount_setattr(fd, "", AT_EMPTY_PATH | below, &attr, sizeof(attr)) < 0)
                return mount_dest_failure(op, -errno, failure);
        return TAKE_FD(fd);
}

/* ---- in the helper ----------------------------------------------------------------------------------------- */

typedef struct Attachment {
        const MountPlan *plan;
        MountWork *work;
        const MountMakeContext *make;
        int proc_fd;            /* the host's /proc */
        Failure *failure;
} Attachment;

/* Mounts the host's device nodes where new ones could not be created. */
static int bind_devices(const MountWork *w, Failure *failure)
{
        struct mount_attr attr = { .attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC };

        for (size_t i = 0; i < w->op->n_nodes; i++) {
                const NodeOp *n = &w->op->nodes[i];
                _cleanup_free_ char *source = NULL;
                _cleanup_close_ int fd = -EBADF;
                struct stat st;

                if (n->kind != NODE_DEVICE || fstatat(w->fd, n->path, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
                        continue;
                if (strf(&source, "%s/%s", w->op->dest, n->path) < 0)
                        return -ENOMEM;
                fd = open_tree(AT_FDCWD, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
                if (fd < 0 || mount_setattr(fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0 ||
                    move_mount(fd, "", w->fd, n->path, MOVE_MOUNT_F_EMPTY_PATH) < 0)
                        return failure_set(failure, -errno, "Failed to mount '%s' in the machine: %m", source);
        }
        return 0;
}

/* Only we can create its destination in a tree that is read-only for the machine. */
static int prepare_unlocked(const Attachment *a, size_t i, const MountDest *d)
{
        const MountOp *op = &a->plan->ops[i];
        _cleanup_close_ int place = -EBADF;
        struct stat st;

        if (!d->read_only || op->flags & MOUNT_OPTIONAL || mount_plan_below(a->plan, i) != 0)
                return 0;
        if (fstat(a->work[i].fd, &st) < 0)
                return mount_dest_failure(op, -errno, a->failure);
        place = mount_dest_open(op, d, S_ISDIR(st.st_mode), a->failure);
        return place < 0 ? place : 0;
}

/* Makes the mount of a bind, whose source may be covered by later steps, and attaches the mount unless that is for later. */
static int attach_step(const Attachment *a, size_t i, AttachContext *c)
{
        const MountOp *op = &a->plan->ops[i];
        MountWork *w = &a->work[i];
        int r;

        if (op->flags & MOUNT_STAGED) {
                if (move_mount(w->fd, "", AT_FDCWD, op->dest, MOVE_MOUNT_F_EMPTY_PATH) < 0)
                        return mount_dest_failure(op, -errno, a->failure);
                c->stage_fd = w->fd;
                return 0;
        }
        if (op->kind == MOUNT_BIND) {
                int fd = clone_bind(op, c, a->failure);

                if (fd < 0 && fd != -EBADF)
                        return fd;
                w->fd = fd;
        }
        if (c->host_fd < 0 && op->kind == MOUNT_NEW && strcmp(op->dest, "/run/host") == 0)
                c->host_fd = w->fd;
        if (w->fd < 0)
                return 0;
        if (op->flags & MOUNT_UNLOCKED)
                return prepare_unlocked(a, i, &c->dest);
        r = mount_dest_attach(op, &c->dest, w->fd, a->failure);
        return r >= 0 && w->binds_devices ? bind_devices(w, a->failure) : r;
}

static int attach_locked(const Attachment *a)
{
        AttachContext c = {
                .dest = { a->work[0].fd, a->make->userns_fd, a->make->first_id, false }, .host_fd = -EBADF, .stage_fd = -EBADF,
        };
        int r = 0;

        if (move_mount(c.dest.root_fd, "", AT_FDCWD, STAGE_ROOT, MOVE_MOUNT_F_EMPTY_PATH) < 0)
                return mount_dest_failure(&a->plan->ops[0], -errno, a->failure);
        if (a->plan->read_only_root)
                r = mount_dest_set_read_only(&c.dest, a->failure);
        for (size_t i = 1; i < a->plan->n && r >= 0; i++)
                if (!(a->plan->ops[i].flags & MOUNT_LATE))
                        r = attach_step(a, i, &c);
        return r;
}

/* Detaches the host's tree with all mounts in it, the staged ones too. */
static int leave_host(int root_fd, Failure *failure)
{
        if (fchdir(root_fd) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 ||
            chdir("/") < 0)
                return failure_set(failure, -errno, "Failed to make the machine's tree its root: %m");
        return 0;
}

/* Now that they are attached: the kernel does not clone detached mounts. */
static int copy_exported(const Attachment *a)
{
        for (size_t i = 0; i < a->plan->n; i++) {
                int fd;

                if (!(a->plan->ops[i].flags & MOUNT_EXPORT))
                        continue;
                fd = open_tree(a->work[i].fd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
                if (fd < 0)
                        return mount_dest_failure(&a->plan->ops[i], -errno, a->failure);
                fd_close(a->work[i].fd);
                a->work[i].fd = fd;
        }
        return 0;
}

/* From here on we have the rights of the machine's root. */
static int lock(const Attachment *a)
{
        if (a->make->userns_fd < 0)
                return 0;
        if (setns(a->make->userns_fd, CLONE_NEWUSER) < 0 || mount_dest_become(a->make->first_id) < 0 ||
            unshare(CLONE_NEWNS) < 0)
                return failure_set(a->failure, -errno, "Failed to lock the machine's mounts: %m");
        return 0;
}

static int attach_unlocked(const Attachment *a)
{
        _cleanup_close_ int root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        const MountDest d = { root_fd, -EBADF, 0, false };
        int r = 0;

        if (root_fd < 0)
                return failure_set(a->failure, -errno, "Failed to open the machine's root: %m");
        for (size_t i = 1; i < a->plan->n && r >= 0; i++)
                if (a->plan->ops[i].flags & MOUNT_UNLOCKED && a->work[i].fd >= 0)
                        r = mount_dest_attach(&a->plan->ops[i], &d, a->work[i].fd, a->failure);
        return r;
}

static int attach_all(void *userdata)
{
        const Attachment *a = userdata;
        int fd, r;

        (void) umask(0022);
        r = attach_locked(a);
        if (r >= 0)
                r = leave_host(a->work[0].fd, a->failure);
        if (r >= 0)
                r = copy_exported(a);
        if (r >= 0)
                r = lock(a);
        if (r >= 0)
                r = attach_unlocked(a);
        if (r < 0)
                return r;
        fd = openat(a->proc_fd, "self/ns/mnt", O_RDONLY | O_CLOEXEC);
        return fd < 0 ? failure_set(a->failure, -errno, "Failed to open the machine's mount namespace: %m") : fd;
}

static int open_own_namespace(void *userdata)
{
        return RET_ERRNO(open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC));
}

int mount_namespace_new(Failure *failure)
{
        int fd = namespace_call(/* fd= */ -EBADF, CLONE_NEWNS, open_own_namespace, NULL);

        return fd < 0 ? failure_set(failure, fd, "Failed to create a mount namespace: %m") : fd;
}

int mount_attach(const MountPlan *plan, MountWork *work, const MountMakeContext *c, Failure *failure)
{
        _cleanup_close_ int proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
        Attachment a = { plan, work, c, proc_fd, failure };
        int r;

        r = proc_fd < 0 ? -errno : namespace_call(c->outer_fd, CLONE_NEWNS, attach_all, &a);
        for (size_t i = 0; i < plan->n; i++)
                if (r < 0 || !(plan->ops[i].flags & MOUNT_EXPORT))
                        work[i].fd = fd_close(work[i].fd);
        return r < 0 ? failure_set(failure, r, "Failed to create the machine's mount namespace: %m") : r;
}

/* ---- in the child ------------------------------------------------------------------------------------------ */

/* We are in the machine's cgroup by now. */
static int attach_own_cgroup(const MountOp *op, const AttachContext *c, Failure *failure)
{
        _cleanup_free_ char *cgroup = NULL, *source = NULL, *dest = NULL;
        _cleanup_close_ int fd = -EBADF;
        MountOp own = *op;
        int r;

        r = cgroup_of_pid(0, &cgroup, failure);
        if (r < 0)
                return r;
        if (strf(&source, "%s%s", op->source, cgroup) < 0 || strf(&dest, "%s%s", op->dest, cgroup) < 0)
                return mount_dest_failure(op, -ENOMEM, failure);
        own.source = source;
        own.dest = dest;
        fd = clone_bind(&own, c, failure);
        return fd < 0 ? fd : mount_dest_attach(&own, &c->dest, fd, failure);
}

static int attach_late(const MountOp *op, const AttachContext *c, Failure *failure)
{
        _cleanup_close_ int fd = -EBADF;

        if (op->source_kind == MOUNT_SOURCE_OWN_CGROUP)
                return attach_own_cgroup(op, c, failure);
        fd = op->kind == MOUNT_NEW ? mount_new(op, op->attrs, failure) : clone_bind(op, c, failure);
        return fd == -EBADF ? 0 : fd < 0 ? fd : mount_dest_attach(op, &c->dest, fd, failure);
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
                        return mount_dest_failure(&plan->ops[i], fd, failure);
                if (mount_setattr(fd, "", AT_EMPTY_PATH, &slave, sizeof(slave)) < 0 && errno != EINVAL)
                        return mount_dest_failure(&plan->ops[i], -errno, failure);
        }

        return 0;
}

int mount_attach_late(const MountPlan *plan, Failure *failure)
{
        _cleanup_close_ int root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        _cleanup_close_ int host_fd = open("/run/host", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        const AttachContext c = { .dest = { root_fd, -EBADF, 0, false }, .host_fd = host_fd, .stage_fd = -EBADF };
        struct mount_attr shared = { .propagation = MS_SHARED };
        int r;

        if (root_fd < 0)
                return failure_set(failure, -errno, "Failed to open the machine's root: %m");

        for (size_t i = 1; i < plan->n; i++) {
                if (!(plan->ops[i].flags & MOUNT_LATE))
                        continue;
                r = attach_late(&plan->ops[i], &c, failure);
                if (r < 0)
                        return r;
        }

        if (mount_setattr(root_fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &shared, sizeof(shared)) < 0)
                return failure_set(failure, -errno, "Failed to share the machine's mounts with namespaces inside: %m");
        return stop_sharing(plan, root_fd, failure);
}
