/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Mounts below /run/host (itself in mount-plan-api.c): credentials, the directory of sockets for the host, users of the
 * host. Pure.
 */

#include "mount/mount-plan-internal.h"

/* A mount point in /run/host. */
static int add_mount_point(MountPlan *p, const char *name, mode_t mode)
{
        return mount_plan_add_node(mount_plan_find(p, "/run/host"), NODE_DIR, name, mode, NULL);
}

/* ramfs: never swapped, unlike tmpfs. The supervisor writes the credentials to it (credential.h). */
static int plan_credentials(MountPlan *p)
{
        static const MountRow row = {
                MOUNT_NEW, .attrs = ATTR_API_RO, .fstype = "ramfs", .dest = "/run/host/credentials", .options = "mode=0700",
        };

        return add_mount_point(p, "credentials", 0700) < 0 ? -ENOMEM : mount_plan_add(p, &row, NULL);
}

/* The host can connect to sockets that the payload creates here (sshd's, with systemd 256 and later). Small, and no
 * links, programs or devices in it work on the host. */
static int plan_unix_export(const MountFacts *f, MountPlan *p)
{
        MountOp *op;

        if (add_mount_point(p, "unix-export", 0755) < 0 ||
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
