/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Destinations that are missing in the machine's tree. mount_make_places() runs in the supervisor, as root of the host,
 * below the tree's descriptor, for a machine without root (IdMap=): no id of such a machine owns the tree's
 * directories, so mount-dest.c could not create them.
 */

#include <sys/stat.h>

#include "mount/mount-make.h"
#include "util/fd.h"
#include "util/tree.h"

/* The type of destination that step i needs in the tree at root_fd itself (not in the mount of an earlier step): 1 a directory,
 * 0 a file; negative: it needs none, or the type of its source is unknown. */
static int place_type(const MountPlan *plan, const MountWork *work, size_t i, int root_fd)
{
        const MountOp *op = work[i].op;
        _cleanup_close_ int source = -EBADF;
        struct stat st;

        if (op->flags & (MOUNT_STAGED | MOUNT_OPTIONAL | MOUNT_LATE) || op->source_kind == MOUNT_SOURCE_MASK ||
            op->source_kind == MOUNT_SOURCE_STAGED || mount_plan_below(plan, i) != 0)
                return -ENOENT;
        if (op->kind == MOUNT_BIND)
                source = tree_open(root_fd, op->source, O_PATH);
        return fstat(op->kind == MOUNT_BIND ? source : work[i].fd, &st) < 0 ? -errno : S_ISDIR(st.st_mode);
}

int mount_make_places(const MountPlan *plan, const MountWork *work, const MountMakeContext *c, Failure *failure)
{
        uint32_t host;
        int root_fd;

        if (!c->map || id_map_to_host(c->map, 0, &host))
                return 0;
        /* An id-mapped mount of the tree would refuse us: the tree itself. An overlay's root is not mapped. */
        root_fd = work[0].op->source_kind == MOUNT_SOURCE_TREE ? c->tree_fd :
                  work[0].op->kind == MOUNT_OVERLAY            ? work[0].fd : -EBADF;
        if (root_fd < 0)
                return 0;

        for (size_t i = 1; i < plan->n; i++) {
                int type = place_type(plan, work, i, root_fd);
                _cleanup_close_ int place = -EBADF;

                if (type < 0)
                        continue;
                place = tree_mountpoint(root_fd, work[i].op->dest, type);
                if (place < 0)
                        return failure_set(failure, place, "'%s' does not exist in the machine's tree and cannot be created: %m",
                                           work[i].op->dest);
        }
        return 0;
}
