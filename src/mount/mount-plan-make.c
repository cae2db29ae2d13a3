/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A machine's mounts in their order (see mount-plan.h). They follow systemd's container interface
 * (CONTAINER_INTERFACE.md) as implemented by systemd-nspawn. Pure.
 */

#include <string.h>

#include "mount/lxcfs.h"
#include "mount/mount-plan-internal.h"

/* --selinux-apifs-context= is the context of all files in the machine's tmpfs and devpts file systems. */
static int plan_context(const char *context, MountPlan *p)
{
        for (size_t i = 0; context && i < p->n; i++) {
                MountOp *op = &p->ops[i];

                if (op->kind != MOUNT_NEW || (strcmp(op->fstype, "tmpfs") != 0 && strcmp(op->fstype, "devpts") != 0))
                        continue;
                op->context = strdup(context);
                if (!op->context)
                        return -ENOMEM;
        }
        return 0;
}

/* Is one of the paths below the other, or the same? */
static bool overlap(const char *a, const char *b)
{
        size_t n = strlen(a), m = strlen(b), common = n < m ? n : m;
        const char *longer = n < m ? b : a;

        return strncmp(a, b, common) == 0 && (longer[common] == '/' || !longer[common] || longer[common - 1] == '/');
}

/* A link in the tree may lead to /tmp (/var/tmp): any mount of a setting may lie in it. */
static bool depends(const MountOp *later, const MountOp *op)
{
        bool has_source = later->kind == MOUNT_BIND && later->source_kind == MOUNT_SOURCE_PATH;

        return overlap(later->dest, op->dest) || (has_source && overlap(later->source, op->dest)) ||
               (later->from.where && strcmp(op->dest, "/tmp") == 0);
}

/* Unlocked steps follow all others. One that a later locked step covers, lies on or binds must keep its place, and is locked
 * as well. Without a user namespace nothing is locked, and all keep their places. */
static void keep_order(bool userns, MountPlan *p)
{
        for (size_t i = p->n; i-- > 1;) {
                if (!userns)
                        p->ops[i].flags &= ~(unsigned) MOUNT_UNLOCKED;
                if (p->ops[i].flags & (MOUNT_UNLOCKED | MOUNT_STAGED | MOUNT_LATE))
                        continue;
                for (size_t j = 1; j < i; j++)
                        if (p->ops[j].flags & MOUNT_UNLOCKED && depends(&p->ops[i], &p->ops[j]))
                                p->ops[j].flags &= ~(unsigned) MOUNT_UNLOCKED;
        }
}

static bool is_bound_device(const MountOp *op, const MountFacts *f)
{
        for (size_t i = 0; i < f->n_bound_devices; i++)
                if (strcmp(f->bound_devices[i].path, op->source) == 0)
                        return true;
        return false;
}

/* Device nodes work in the machine's own /dev, and in what settings show of the host's. */
static bool may_have_devices(const MountOp *op, const MountFacts *f)
{
        switch (op->kind) {
        case MOUNT_NEW:
                return !op->from.where && (strcmp(op->dest, "/dev") == 0 || strcmp(op->dest, "/dev/pts") == 0);
        case MOUNT_CLONE:
                return op->source_kind == MOUNT_SOURCE_PATH &&
                       (strcmp(op->source, "/dev") == 0 || strncmp(op->source, "/dev/", 5) == 0 || is_bound_device(op, f));
        default:
                return op->kind == MOUNT_BIND;          /* as the mount that it is a part of */
        }
}

void mount_plan_settle(const MountFacts *f, MountPlan *p)
{
        for (size_t i = 0; i < p->n && f->userns; i++)
                if (!may_have_devices(&p->ops[i], f))
                        p->ops[i].attrs |= MOUNT_ATTR_NODEV;
        keep_order(f->userns, p);
}

int mount_plan_make(const Settings *s, const MountFacts *f, MountPlan *ret, Problems *problems)
{
        _cleanup_(mount_plan_done) MountPlan p = {};

        if (mount_plan_root(s, f, &p, problems) < 0 || mount_plan_disk(s, f, &p) < 0 || mount_plan_pivot(s, f, &p) < 0 ||
            mount_plan_dev(f, &p) < 0 || mount_plan_run(f, &p) < 0 ||
            mount_plan_host(f, &p) < 0 || mount_plan_incoming(f, &p) < 0 || mount_plan_proc(f, &p) < 0 ||
            mount_plan_sys(f, &p) < 0 || mount_plan_nesting(f, &p) < 0 || mount_plan_lxcfs(s, &p) < 0 ||
            mount_plan_console(f, &p) < 0 || mount_plan_tmp(f, &p) < 0 ||
            mount_plan_oci_mounts(s, f, &p, problems) < 0 || mount_plan_custom(s, f, &p, problems) < 0 ||
            mount_plan_oci_covers(s, &p) < 0 || plan_context(s->selinux_apifs_context, &p) < 0)
                return -ENOMEM;
        mount_plan_pivot_sources(s, &p);

        *ret = p;
        p = (MountPlan) {};
        return 0;
}
