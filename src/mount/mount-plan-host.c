/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What the host shares with a machine below /run/host, beside what every machine is told there (mount-plan-api.c):
 * credentials, the directory of sockets that the host can reach, users of the host. Pure.
 */

#include "mount/mount-plan-internal.h"

/* A directory in /run/host to mount on. */
static int add_place(MountPlan *p, const char *name, mode_t mode)
{
        return mount_plan_add_node(mount_plan_find(p, "/run/host"), NODE_DIR, name, mode, NULL);
}

/* ramfs: the one file system in memory that is never swapped. The supervisor fills it (credential.h). */
static int plan_credentials(MountPlan *p)
{
        static const MountRow row = {
                MOUNT_NEW, .attrs = ATTR_API_RO, .fstype = "ramfs", .dest = "/run/host/credentials", .options = "mode=0700",
        };

        return add_place(p, "credentials", 0700) < 0 ? -ENOMEM : mount_plan_add(p, &row, NULL);
}

/* Sockets that the payload makes here (sshd's, on systemd 256 and later) can be connected to from the host. Tiny, and without
 * anything that could be followed, executed or opened as a device there. */
static int plan_unix_export(const MountFacts *f, MountPlan *p)
{
        MountOp *op;

        if (add_place(p, "unix-export", 0755) < 0 ||
            mount_plan_add_tmpfs(p, f, "/run/host/unix-export", ATTR_API | MOUNT_ATTR_NOSYMFOLLOW,
                                 "mode=0755,size=4m,nr_inodes=64", &op) < 0)
                return -ENOMEM;
        op->flags |= MOUNT_EXPORT;
        return 0;
}

int mount_plan_host(const MountFacts *f, MountPlan *p)
{
        if (plan_unix_export(f, p) < 0 || (f->credentials && plan_credentials(p) < 0))
                return -ENOMEM;
        return mount_plan_users(f->bind_users, f->n_bind_users, p);
}
