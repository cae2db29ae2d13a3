/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the parts of the mount plan are built with (mount-plan.c), and those parts, which mount-plan-make.c calls in their order.
 * Pure. All return 0 or -ENOMEM; what a user got wrong goes to problems.
 */

#include <linux/mount.h>

#include "mount/mount-plan.h"

#define ATTR_API (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NODEV)
#define ATTR_API_RO (ATTR_API | MOUNT_ATTR_RDONLY)

/* A step before it is added: fields as in MountOp. */
typedef struct MountRow {
        MountKind kind;
        unsigned flags;
        MountSourceKind source_kind;
        MountIdMap id_map;
        MountNamespace namespace;
        uint64_t attrs, attrs_clear;
        const char *fstype, *source, *dest, *options;
        Source from;
} MountRow;

/* Appends a step; *ret (may be NULL) is valid until the next one is appended. */
int mount_plan_add(MountPlan *p, const MountRow *row, MountOp **ret);
int mount_plan_add_rows(MountPlan *p, const MountRow *rows, size_t n);

/* A tmpfs whose root directory belongs to the machine's root. */
int mount_plan_add_tmpfs(MountPlan *p, const MountFacts *f, const char *dest, uint64_t attrs, const char *options,
                         MountOp **ret);

/* What the new file system of a step holds. */
int mount_plan_add_node(MountOp *op, NodeKind kind, const char *path, mode_t mode, const char *text);

/* Adds a layer to an overlay, above its other layers. source may be NULL. */
int mount_plan_add_layer(MountOp *op, MountSourceKind kind, MountIdMap id_map, const char *source);

/* How the machine's tree is mapped. */
static inline MountIdMap mount_plan_tree_map(const MountFacts *f)
{
        return f->idmap_tree ? MOUNT_IDMAP_MACHINE : MOUNT_IDMAP_NONE;
}

/* mount-plan-root.c: what "/" is, and what the settings' kind of "/" brings along. Comes first. */
int mount_plan_root(const Settings *s, const MountFacts *f, MountPlan *p, Problems *problems);

/* mount-plan-pivot.c: the tree itself, where a directory of it is "/"; and, at the end, what lies in it. */
int mount_plan_pivot(const Settings *s, const MountFacts *f, MountPlan *p);
void mount_plan_pivot_sources(const Settings *s, MountPlan *p);

/* mount-plan-api.c: what every machine has, in the order of mounting. */
int mount_plan_disk(const Settings *s, const MountFacts *f, MountPlan *p);     /* mount-plan-disk.c */
int mount_plan_dev(const MountFacts *f, MountPlan *p);
int mount_plan_run(const MountFacts *f, MountPlan *p);
int mount_plan_incoming(const MountFacts *f, MountPlan *p);
int mount_plan_proc(const MountFacts *f, MountPlan *p);
int mount_plan_sys(const MountFacts *f, MountPlan *p);
int mount_plan_console(const MountFacts *f, MountPlan *p);

/* mount-plan-oci.c: what an OCI bundle adds, its mounts before those of other settings, its covers behind them. */
int mount_plan_oci_mounts(const Settings *s, const MountFacts *f, MountPlan *p, Problems *problems);
int mount_plan_oci_covers(const Settings *s, MountPlan *p);

/* mount-plan-host.c: what the host shares below /run/host. */
int mount_plan_host(const MountFacts *f, MountPlan *p);

/* mount-plan-users.c: homes and records of the host's users there. */
int mount_plan_users(const struct BindUser *users, size_t n, MountPlan *p);

/* mount-plan-custom.c: one bind mount or tmpfs of the settings; no step is added where it has a problem. */
int mount_plan_add_bind(const Settings *s, const BindSetting *b, const MountFacts *f, MountPlan *p, Problems *problems);
int mount_plan_add_custom_tmpfs(const TmpfsSetting *t, const MountFacts *f, MountPlan *p, Problems *problems);

/* All that the settings add, but for "/", parents before what lies below them. */
int mount_plan_custom(const Settings *s, const MountFacts *f, MountPlan *p, Problems *problems);
