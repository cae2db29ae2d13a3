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

int mount_plan_make(const Settings *s, const MountFacts *f, MountPlan *ret, Problems *problems)
{
        _cleanup_(mount_plan_done) MountPlan p = {};

        if (mount_plan_root(s, f, &p, problems) < 0 || mount_plan_disk(s, f, &p) < 0 || mount_plan_pivot(s, f, &p) < 0 ||
            mount_plan_dev(f, &p) < 0 || mount_plan_run(f, &p) < 0 ||
            mount_plan_host(f, &p) < 0 || mount_plan_incoming(f, &p) < 0 || mount_plan_proc(f, &p) < 0 ||
            mount_plan_sys(f, &p) < 0 || mount_plan_nesting(f, &p) < 0 || mount_plan_lxcfs(s, &p) < 0 ||
            mount_plan_console(f, &p) < 0 ||
            (!f->no_tmpfs_tmp &&
             mount_plan_add_tmpfs(&p, f, "/tmp", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_STRICTATIME,
                                  "mode=1777,size=10%,nr_inodes=400k", NULL) < 0) ||
            mount_plan_oci_mounts(s, f, &p, problems) < 0 || mount_plan_custom(s, f, &p, problems) < 0 ||
            mount_plan_oci_covers(s, &p) < 0 || plan_context(s->selinux_apifs_context, &p) < 0)
                return -ENOMEM;
        mount_plan_pivot_sources(s, &p);

        *ret = p;
        p = (MountPlan) {};
        return 0;
}
