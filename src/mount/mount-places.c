/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Places to mount on that the tree lacks and the child cannot make, since nobody in the machine owns the tree's directories:
 * a machine without root (IdMap=). The supervisor, as root of the host, below the tree's descriptor.
 */

#include <sys/stat.h>

#include "mount/mount-make.h"
#include "util/fd.h"
#include "util/tree.h"

/* Is a place needed in the tree itself? As what: 1 a directory, 0 a file, negative: none. */
static int kind_of_place(const MountPlan *plan, size_t i, int fd)
{
        const MountOp *op = &plan->ops[i];
        struct stat st;

        if (op->flags & (MOUNT_STAGED | MOUNT_OPTIONAL) || op->kind == MOUNT_BIND || mount_plan_below(plan, i) != 0)
                return -1;
        if (op->kind == MOUNT_NEW_IN_CHILD)
                return 1;
        return fd >= 0 && fstat(fd, &st) >= 0 ? S_ISDIR(st.st_mode) : -1;
}

int mount_make_places(const MountPlan *plan, const MountMakeContext *c, const int *fds, Failure *failure)
{
        const MountOp *root = &plan->ops[0];
        uint32_t host;
        int root_fd;

        if (!c->map || id_map_to_host(c->map, 0, &host))
                return 0;
        /* Through a map we would be nobody: below the mount itself only where it is not the tree. */
        root_fd = root->source_kind == MOUNT_SOURCE_TREE ? c->tree_fd : root->kind == MOUNT_OVERLAY ? fds[0] : -EBADF;
        if (root_fd < 0)
                return 0;

        for (size_t i = 1; i < plan->n; i++) {
                int kind = kind_of_place(plan, i, fds[i]);
                _cleanup_close_ int place = -EBADF;

                if (kind < 0)
                        continue;
                place = tree_mountpoint(root_fd, plan->ops[i].dest, kind);
                if (place < 0)
                        return failure_set(failure, place, "'%s' is not there in the machine's tree, and cannot be made: %m",
                                           plan->ops[i].dest);
        }
        return 0;
}
