/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * PivotRoot=: a directory of the tree is the machine's "/", as with OSTree, and the whole tree ("old root") is mounted
 * below it or not at all. Nothing is pivoted: mount-plan-root.c mounts the directory as "/", and the steps here are
 * those of the old root. Pure.
 */

#include <string.h>

#include "mount/mount-plan-internal.h"

int mount_plan_pivot(const Settings *s, const MountFacts *f, MountPlan *p)
{
        MountRow row = {
                MOUNT_CLONE, MOUNT_RECURSIVE, MOUNT_SOURCE_OLD_ROOT, mount_plan_tree_map(f), .source = f->image,
                .dest = s->pivot_root_old, .from = s->from[SETTING_PIVOT_ROOT],
        };

        if (!s->pivot_root_old)
                return 0;
        /* An ephemeral or volatile machine's overlay covers the new root only: it must not modify the tree through the
         * old one. */
        if (s->read_only == YES || s->ephemeral == YES || s->volatile_mode != VOLATILE_NO)
                row.attrs |= MOUNT_ATTR_RDONLY;
        return mount_plan_add(p, &row, NULL);
}

/* With the old root on /sysroot, "+/sysroot/var" is /var of the old root. */
static void redirect(const char *old, MountSourceKind *kind, char *source)
{
        size_t n = strlen(old);

        if (*kind != MOUNT_SOURCE_IN_TREE || !source || strncmp(source, old, n) != 0 || (source[n] && source[n] != '/'))
                return;
        *kind = MOUNT_SOURCE_IN_OLD_ROOT;
        if (source[n])
                memmove(source, source + n, strlen(source + n) + 1);
        else
                source[1] = 0;
}

void mount_plan_pivot_sources(const Settings *s, MountPlan *p)
{
        for (size_t i = 0; s->pivot_root_old && i < p->n; i++) {
                MountOp *op = &p->ops[i];

                redirect(s->pivot_root_old, &op->source_kind, op->source);
                for (size_t j = 0; j < op->n_layers; j++)
                        redirect(s->pivot_root_old, &op->layers[j].source_kind, op->layers[j].source);
        }
}
