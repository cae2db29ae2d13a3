/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The other partitions of a disk image, where the machine's "/" is an overlay or a tmpfs, which do not show mounts
 * below the image's root. As in systemd-nspawn, a volatile machine has the partitions themselves; an ephemeral one has
 * an overlay on each, as on "/", whose upper layer is thrown away. Pure.
 */

#include <string.h>

#include "mount/mount-plan-internal.h"

static bool shows_partitions(const MountOp *root)
{
        return root->kind == MOUNT_CLONE && root->source_kind == MOUNT_SOURCE_TREE && root->flags & MOUNT_RECURSIVE;
}

/* Volatile=yes has a step for the tree's /usr already. */
static bool is_covered(const MountPlan *p, const char *dest)
{
        for (size_t i = 1; i < p->n; i++)
                if (strcmp(p->ops[i].dest, dest) == 0)
                        return true;
        return false;
}

static int plan_part(const DiskPart *part, MountIdMap id_map, bool ephemeral, Source from, MountPlan *p)
{
        const MountRow whole = {
                MOUNT_CLONE, 0, MOUNT_SOURCE_IN_TREE, id_map, .source = part->dest, .dest = part->dest, .from = from,
        };
        const MountRow layered = { MOUNT_OVERLAY, MOUNT_TOP_WRITABLE, .dest = part->dest, .from = from };
        MountOp *op;

        if (!ephemeral)
                return mount_plan_add(p, &whole, NULL);
        if (mount_plan_add(p, &layered, &op) < 0 ||
            mount_plan_add_layer(op, MOUNT_SOURCE_IN_TREE, id_map, part->dest) < 0)
                return -ENOMEM;
        return mount_plan_add_layer(op, MOUNT_SOURCE_BESIDE_TREE, MOUNT_IDMAP_NONE, NULL);
}

int mount_plan_disk(const Settings *s, const MountFacts *f, MountPlan *p)
{
        bool ephemeral = s->volatile_mode == VOLATILE_NO && s->ephemeral == YES;

        /* With PivotRoot= they are below the old root. */
        if (!f->disk || s->pivot_root_new || p->n == 0 || shows_partitions(&p->ops[0]) || settings_custom_root(s, NULL))
                return 0;
        for (size_t i = 1; i < f->disk->n; i++)
                if (!is_covered(p, f->disk->parts[i].dest) &&
                    plan_part(&f->disk->parts[i], mount_plan_tree_map(f), ephemeral, p->ops[0].from, p) < 0)
                        return -ENOMEM;
        return 0;
}
