/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Looks ahead at the files of a machine (see check-place.h). box-run --check, as root of the host or as any user. Reads the
 * tree, which is hostile, by openat2() inside it. A doubt is no answer: a link may lead to what another mount covers.
 */

#include <fcntl.h>
#include <string.h>

#include "run/check-place.h"
#include "util/fd.h"
#include "util/print.h"
#include "util/tree.h"

static bool shows_tree(const MountOp *op)
{
        if (op->kind == MOUNT_OVERLAY)
                return op->n_layers > 0 && op->layers[0].source_kind == MOUNT_SOURCE_TREE;
        return op->kind == MOUNT_CLONE && op->source_kind == MOUNT_SOURCE_TREE;
}

/* The root directory of the step's mount. */
static int open_base(const MountOp *op, int tree_fd)
{
        int fd = -EAGAIN;

        if (op->flags & (MOUNT_OPTIONAL | MOUNT_IF_SOURCE | MOUNT_LATE))
                return -EAGAIN;
        if (op->source_kind == MOUNT_SOURCE_MASK)
                return -ENOENT;
        if (shows_tree(op))
                fd = tree_fd >= 0 ? fcntl(tree_fd, F_DUPFD_CLOEXEC, 0) : -EAGAIN;
        else if (op->kind == MOUNT_CLONE && op->source_kind == MOUNT_SOURCE_PATH)
                fd = open(op->source, O_PATH | O_CLOEXEC);
        else if (op->kind == MOUNT_CLONE && op->source_kind == MOUNT_SOURCE_IN_TREE && tree_fd >= 0)
                fd = tree_open(tree_fd, op->source, O_PATH);
        return fd < 0 ? -EAGAIN : fd;
}

/* Does a later step cover what the path leads to by links? */
static bool is_covered(const MountPlan *plan, size_t n, size_t at, const char *real)
{
        const char *dest = plan->ops[at].dest;
        _cleanup_free_ char *path = NULL;

        if (strf(&path, "%s%s", strcmp(dest, "/") == 0 ? "" : dest, real) < 0)
                return true;
        return mount_plan_holding(plan, n, path) != at;
}

int check_place_open(const MountPlan *plan, size_t n, int tree_fd, const char *path)
{
        const size_t at = mount_plan_holding(plan, n, path);
        const char *rest = path + (at == 0 ? 0 : strlen(plan->ops[at].dest)), *slash = strrchr(rest, '/');
        _cleanup_close_ int base = open_base(&plan->ops[at], tree_fd), itself = -EBADF, parent = -EBADF;
        _cleanup_free_ char *real = NULL, *above = NULL;
        int fd;

        if (base < 0)
                return base == -ENOENT && !*rest ? -EAGAIN : base;
        if (!*rest || strcmp(rest, "/") == 0)
                return TAKE_FD(base);
        if (tree_canonicalize(base, rest, &real) >= 0) {
                fd = is_covered(plan, n, at, real) ? -EAGAIN : tree_open(base, rest, O_PATH);
                return fd < 0 ? -EAGAIN : fd;
        }

        /* A link to something that is missing: it may be made, or mounted. */
        itself = tree_open(base, rest, O_PATH | O_NOFOLLOW);
        if (itself == -ENOTDIR)
                return itself;
        if (itself != -ENOENT || !slash)
                return -EAGAIN;
        above = strndup(path, (size_t) (slash - path));
        if (!above)
                return -EAGAIN;
        if (!*above)
                return -ENOENT;
        parent = check_place_open(plan, n, tree_fd, above);
        return parent == -EAGAIN ? -EAGAIN : -ENOENT;
}
