/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A machine's "/": its tree, an overlay on the tree with a temporary upper layer (Ephemeral=, Volatile=overlay), a
 * tmpfs with the tree's /usr (Volatile=yes), or a mount of the settings on "/". Pure.
 */

#include <string.h>

#include "mount/mount-plan-internal.h"

/* systemd-nspawn's limits for a root in memory. */
#define ROOT_TMPFS_OPTIONS "mode=0755,size=25%,nr_inodes=1m"

/* The tree with the mounts below it; of "/" without them, as those are the host's (/proc, /sys, other disks). */
static int plan_tree(const MountFacts *f, MountPlan *p)
{
        const MountRow row = {
                MOUNT_CLONE, strcmp(f->root, "/") != 0 ? MOUNT_RECURSIVE : 0, MOUNT_SOURCE_TREE, mount_plan_tree_map(f),
                .source = f->root, .dest = "/",
        };

        return mount_plan_add(p, &row, NULL);
}

/* An overlay on the tree, whose upper layer is a directory that is removed at the end, or in memory. */
static int plan_layered(const MountFacts *f, MountSourceKind top, const char *options, Source from, MountPlan *p)
{
        const MountRow row = { MOUNT_OVERLAY, MOUNT_TOP_WRITABLE, .dest = "/", .options = options, .from = from };
        MountOp *op;

        if (mount_plan_add(p, &row, &op) < 0 ||
            mount_plan_add_layer(op, MOUNT_SOURCE_TREE, mount_plan_tree_map(f), f->root) < 0)
                return -ENOMEM;
        return mount_plan_add_layer(op, top, MOUNT_IDMAP_NONE, NULL);
}

/* Directories that programs expect, and the tree's links into /usr, without which /bin/sh is missing. */
static int add_base_nodes(const MountFacts *f, MountOp *op)
{
        static const struct { const char *path; mode_t mode; } dirs[] = {
                { "usr", 0755 }, { "etc", 0755 }, { "var", 0755 }, { "root", 0700 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
                if (mount_plan_add_node(op, NODE_DIR, dirs[i].path, dirs[i].mode, NULL) < 0)
                        return -ENOMEM;
        for (const char *const *link = f->usr_links; link && *link; link++) {
                const char *target = strchr(*link, '=');
                _cleanup_free_ char *name = strndup(*link, (size_t) (target - *link));

                if (!name || mount_plan_add_node(op, NODE_LINK, name, 0, target + 1) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static int plan_volatile_yes(const MountFacts *f, Source from, MountPlan *p, Problems *problems)
{
        const MountRow usr = {
                MOUNT_CLONE, MOUNT_RECURSIVE, MOUNT_SOURCE_IN_TREE, mount_plan_tree_map(f), .attrs = MOUNT_ATTR_RDONLY,
                .source = "/usr", .dest = "/usr", .from = from,
        };
        MountOp *op;

        if (f->split_usr && problem_error(problems, from, "The tree '%s' has /bin, /sbin or /lib beside /usr, not as links "
                                          "into it: it cannot start with an empty root; use Volatile=overlay", f->root) < 0)
                return -ENOMEM;

        if (mount_plan_add_tmpfs(p, f, "/", MOUNT_ATTR_STRICTATIME, ROOT_TMPFS_OPTIONS, &op) < 0)
                return -ENOMEM;
        op->from = from;
        return add_base_nodes(f, op) < 0 ? -ENOMEM : mount_plan_add(p, &usr, NULL);
}

static int plan_ephemeral(const Settings *s, const MountFacts *f, MountPlan *p)
{
        if (s->ephemeral != YES)
                return plan_tree(f, p);
        return plan_layered(f, MOUNT_SOURCE_BESIDE_TREE, NULL, s->from[SETTING_EPHEMERAL], p);
}

static int plan_volatile_state(const Settings *s, const MountFacts *f, Source from, MountPlan *p)
{
        MountOp *op;

        p->read_only_root = true;
        if (plan_ephemeral(s, f, p) < 0 ||
            mount_plan_add_tmpfs(p, f, "/var", MOUNT_ATTR_STRICTATIME, ROOT_TMPFS_OPTIONS, &op) < 0)
                return -ENOMEM;
        op->from = from;
        return 0;
}

/* A mount of the settings on "/" replaces the tree, which it would cover; of several, the topmost one. */
static int plan_custom_root(const Settings *s, const MountFacts *f, MountPlan *p, Problems *problems)
{
        MountOp *op;
        int r = 0;

        for (size_t i = s->n_overlays; i-- > 0 && r >= 0 && p->n == 0;)
                if (mount_plan_is_root(s->overlays[i].dest))
                        r = mount_plan_add_custom_overlay(s, &s->overlays[i], f, p, problems);
        for (size_t i = s->n_tmpfs; i-- > 0 && r >= 0 && p->n == 0;)
                if (mount_plan_is_root(s->tmpfs[i].dest))
                        r = mount_plan_add_custom_tmpfs(&s->tmpfs[i], f, p, problems);
        for (size_t i = s->n_binds; i-- > 0 && r >= 0 && p->n == 0;)
                if (mount_plan_is_root(s->binds[i].dest))
                        r = mount_plan_add_bind(s, &s->binds[i], f, p, problems);
        if (r < 0 || p->n == 0)
                return r;

        /* It is made read-only when the other mount points in it exist. */
        op = &p->ops[0];
        p->read_only_root = op->attrs & MOUNT_ATTR_RDONLY;
        op->attrs &= ~(uint64_t) MOUNT_ATTR_RDONLY;
        /* An overlay's layers are trees. */
        return op->kind == MOUNT_OVERLAY ? 0 : add_base_nodes(f, op);
}

/* These modes choose the ids by the owner of the tree, which the machine does not see; systemd-nspawn refuses them as
 * well. */
static int check_custom_root(const Settings *s, Source from, Problems *problems)
{
        PrivateUsers mode = settings_private_users(s);
        char other[SOURCE_TEXT_MAX];

        if (mode != PRIVATE_USERS_PICK && mode != PRIVATE_USERS_TREE)
                return 0;
        return problem_error(problems, from, "A mount on / needs PrivateUsers= with a number, \"identity\" or \"no\"; "
                             "%s chooses the ids by the tree", source_text(s->from[SETTING_PRIVATE_USERS], other));
}

int mount_plan_root(const Settings *s, const MountFacts *f, MountPlan *p, Problems *problems)
{
        Source from = s->from[SETTING_VOLATILE], custom;

        if (settings_custom_root(s, &custom)) {
                if (check_custom_root(s, custom, problems) < 0 || plan_custom_root(s, f, p, problems) < 0)
                        return -ENOMEM;
                return p->n > 0 ? 0 : plan_tree(f, p);
        }

        switch (s->volatile_mode) {
        case VOLATILE_YES:
                return plan_volatile_yes(f, from, p, problems);
        case VOLATILE_STATE:
                return plan_volatile_state(s, f, from, p);
        case VOLATILE_OVERLAY:
                return plan_layered(f, MOUNT_SOURCE_MEMORY, ROOT_TMPFS_OPTIONS, from, p);
        default:
                p->read_only_root = s->read_only == YES;
                return plan_ephemeral(s, f, p);
        }
}
