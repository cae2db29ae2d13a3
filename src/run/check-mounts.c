/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The mounts of a start, tried (see check-start.h): sources are cloned and get their attributes and id maps, new file systems are
 * made, by the start's own functions, and closed again, which nothing sees; destinations are looked at. box-run --check, as
 * root of the host; as another user it is checked that the sources are there.
 */

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mount/mount-dest.h"
#include "mount/mount-overlay.h"
#include "mount/mount-source.h"
#include "run/check-place.h"
#include "run/check-start.h"
#include "run/stage.h"
#include "users/user-namespace.h"
#include "util/fd.h"

static int add(Problems *problems, const Failure *f)
{
        return problem_error(problems, (Source) {}, "%s", f->text);
}

static bool is_of_tree(MountSourceKind kind)
{
        return mount_source_is_in_tree(kind) || kind == MOUNT_SOURCE_TREE || kind == MOUNT_SOURCE_OLD_ROOT;
}

/* EACCES, EPERM: the caller may not look, and the start may. */
static int check_exists(const MountOp *op, const char *source, Problems *problems)
{
        struct stat st;

        if (stat(source, &st) >= 0 || errno == EACCES || errno == EPERM)
                return 0;
        return problem_error(problems, op->from, "Failed to open '%s' for mounting: %m", source);
}

/* The step's mount, which shows whether a directory or a file is mounted. */
static int open_mount(const MountOp *op, const MountMakeContext *c, Failure *f)
{
        static const MountScratch none = {};
        int fd, r;

        if (op->kind == MOUNT_NEW)
                return mount_new(op, 0, f);
        fd = mount_open_source(op, c, &none, f);
        r = fd < 0 ? 0 : mount_set_attributes(op, fd, c->tree_fd, c, f);
        if (r < 0)
                fd_close(fd);
        return r < 0 ? r : fd;
}

/* fd: the step's mount; -EBADF: a new directory. What is missing at the destination is created, except for a mask. */
static int check_dest(const MountOp *op, const MountPlan *plan, int tree_fd, int fd, Problems *problems)
{
        _cleanup_close_ int dest = -EBADF;
        Failure f = {};
        struct stat st;

        if (op->flags & MOUNT_OPTIONAL)
                return 0;
        dest = check_place_open(plan, (size_t) (op - plan->ops), tree_fd, op->dest);
        if (dest == -ENOTDIR || (dest == -ENOENT && op->source_kind == MOUNT_SOURCE_MASK))
                (void) mount_dest_failure(op, dest, &f);
        else if (dest >= 0 && op->source_kind != MOUNT_SOURCE_MASK)
                (void) mount_dest_check(op, dest, fd < 0 || (fstat(fd, &st) >= 0 && S_ISDIR(st.st_mode)), &f);
        return f.error < 0 ? add(problems, &f) : 0;
}

/* An overlay goes with any of its optional directories. */
static bool is_left_out(const MountOp *op)
{
        for (size_t i = 0; i < op->n_layers; i++)
                if (op->layers[i].optional && op->layers[i].source_kind == MOUNT_SOURCE_PATH &&
                    access(op->layers[i].source, F_OK) < 0 && errno == ENOENT)
                        return true;
        return false;
}

static int try_layers(const MountOp *op, const MountMakeContext *c, Problems *problems)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < op->n_layers; i++) {
                const MountSourceKind kind = op->layers[i].source_kind;
                Failure f = {};

                if ((kind == MOUNT_SOURCE_PATH || (kind == MOUNT_SOURCE_IN_TREE && c->tree_fd >= 0)) &&
                    mount_overlay_try_layer(op, &op->layers[i], c, &f) < 0 && f.error < 0)
                        r = add(problems, &f);
        }
        return r;
}

static int check_layers_exist(const MountOp *op, Problems *problems)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < op->n_layers; i++)
                if (op->layers[i].source_kind == MOUNT_SOURCE_PATH)
                        r = check_exists(op, op->layers[i].source, problems);
        return r;
}

/* The mounts of settings; a start makes the others, or creates their sources. */
static int try_mount(const MountOp *op, const MountPlan *plan, const MountMakeContext *c, Problems *problems)
{
        const bool tree = is_of_tree(op->source_kind), named = op->from.where;
        const bool cloned = op->kind == MOUNT_CLONE && (tree ? c->tree_fd >= 0 : op->source_kind == MOUNT_SOURCE_PATH && named);
        _cleanup_close_ int fd = -EBADF;
        Failure f = {};
        int r = 0;

        if (is_left_out(op))
                return 0;
        if (cloned || (op->kind == MOUNT_NEW && named)) {
                fd = open_mount(op, c, &f);
                /* Without a text, it is optional. */
                if (fd < 0)
                        return f.error < 0 ? add(problems, &f) : 0;
        } else if (op->kind == MOUNT_OVERLAY && named)
                r = try_layers(op, c, problems);
        if (r < 0 || !named || op == plan->ops || (op->kind == MOUNT_CLONE && fd < 0))
                return r;
        return check_dest(op, plan, c->tree_fd, fd, problems);
}

/* Any user. */
static int look_at_mount(const MountOp *op, Problems *problems)
{
        if (!op->from.where || is_left_out(op))
                return 0;
        if (op->kind == MOUNT_OVERLAY)
                return check_layers_exist(op, problems);
        if (op->kind != MOUNT_CLONE || op->source_kind != MOUNT_SOURCE_PATH || op->flags & (MOUNT_OPTIONAL | MOUNT_IF_SOURCE))
                return 0;
        return check_exists(op, op->source, problems);
}

int check_mounts(const Machine *m, int tree_fd, Problems *problems)
{
        const MountPlan *plan = &m->plan.mounts;
        _cleanup_close_ int userns_fd = -EBADF;
        MountMakeContext c = stage_mounts_context(m, tree_fd);
        bool privileged = geteuid() == 0;
        int r = 0;

        if (privileged && m->plan.userns) {
                userns_fd = user_namespace_new(&m->plan.uid_map, &m->plan.gid_map, NULL);
                c.userns_fd = userns_fd;
                privileged = userns_fd >= 0;
        }
        for (size_t i = 0; r >= 0 && i < plan->n; i++)
                r = privileged ? try_mount(&plan->ops[i], plan, &c, problems) : look_at_mount(&plan->ops[i], problems);
        return r;
}
