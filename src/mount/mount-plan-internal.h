/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Functions that build a mount plan (mount-plan.c), and its parts, which mount-plan-make.c calls in their order. Pure.
 * All return 0 or -ENOMEM; mistakes in settings go to problems.
 */

#include <linux/mount.h>
#include <string.h>

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

/* Adds a file, directory, … to the new file system of a step. */
int mount_plan_add_node(MountOp *op, NodeKind kind, const char *path, mode_t mode, const char *text);

/* Adds a layer to an overlay, above its other layers. source may be NULL. */
int mount_plan_add_layer(MountOp *op, MountSourceKind kind, MountIdMap id_map, const char *source);

static inline bool mount_plan_is_root(const char *dest)
{
        return strcmp(dest, "/") == 0;
}

/* Is it the place of the cgroup file system, or below? */
bool mount_plan_is_in_cgroups(const char *dest);

/* How the machine's tree is mapped. */
static inline MountIdMap mount_plan_tree_map(const MountFacts *f)
{
        return f->foreign_tree ? MOUNT_IDMAP_FOREIGN : f->idmap_tree ? MOUNT_IDMAP_MACHINE : MOUNT_IDMAP_NONE;
}

/* mount-plan-root.c: "/" and the mounts that belong to its kind. Comes first. */
int mount_plan_root(const Settings *s, const MountFacts *f, MountPlan *p, Problems *problems);

/* mount-plan-pivot.c: the old root of PivotRoot=; and, at the end, sources in it. */
int mount_plan_pivot(const Settings *s, const MountFacts *f, MountPlan *p);
void mount_plan_pivot_sources(const Settings *s, MountPlan *p);

/* mount-plan-api.c: the mounts of every machine, in the order of mounting. */
int mount_plan_disk(const Settings *s, const MountFacts *f, MountPlan *p);     /* mount-plan-disk.c */
int mount_plan_dev(const MountFacts *f, MountPlan *p);
int mount_plan_run(const MountFacts *f, MountPlan *p);
int mount_plan_incoming(const MountFacts *f, MountPlan *p);
int mount_plan_proc(const MountFacts *f, MountPlan *p);
int mount_plan_sys(const MountFacts *f, MountPlan *p);
int mount_plan_nesting(const MountFacts *f, MountPlan *p);
int mount_plan_console(const MountFacts *f, MountPlan *p);
int mount_plan_tmp(const MountFacts *f, MountPlan *p);

/* mount-plan-oci.c: an OCI bundle's mounts, before those of other settings, and its read-only and masked paths, after
 * them. */
int mount_plan_oci_mounts(const Settings *s, const MountFacts *f, MountPlan *p, Problems *problems);
int mount_plan_oci_covers(const Settings *s, MountPlan *p);

/* mount-plan-host.c: mounts below /run/host. */
int mount_plan_host(const MountFacts *f, MountPlan *p);

/* mount-plan-users.c: homes and records of the host's users, below /run/host. */
int mount_plan_users(const struct BindUser *users, size_t n, MountPlan *p);

/* mount-plan-custom.c: one bind mount, tmpfs or overlay of the settings; none is added after a problem. */
int mount_plan_add_bind(const Settings *s, const BindSetting *b, const MountFacts *f, MountPlan *p, Problems *problems);
int mount_plan_add_custom_tmpfs(const TmpfsSetting *t, const MountFacts *f, MountPlan *p, Problems *problems);
int mount_plan_add_custom_overlay(const Settings *s, const OverlaySetting *o, const MountFacts *f, MountPlan *p,
                                  Problems *problems);

/* All mounts of the settings but for "/", parents before paths below them. */
int mount_plan_custom(const Settings *s, const MountFacts *f, MountPlan *p, Problems *problems);
