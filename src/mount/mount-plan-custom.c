/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The mounts of a machine's settings, each a step with the place of its setting. Pure. */

#include <string.h>

#include "mount/mount-options.h"
#include "mount/mount-plan-internal.h"
#include "util/print.h"

/* In an ephemeral machine a path in the tree is a path in the overlay, which is the machine's "/". */
static int bind_of_copy(const BindSetting *b, MountPlan *p)
{
        const MountRow row = {
                MOUNT_BIND, b->optional ? MOUNT_IF_SOURCE : 0, .attrs = b->read_only ? MOUNT_ATTR_RDONLY : 0,
                .source = b->source, .dest = b->dest, .from = b->from,
        };

        return mount_plan_add(p, &row, NULL);
}

static int refuse_change(const Settings *s, Source from, Problems *problems)
{
        char other[SOURCE_TEXT_MAX];

        return problem_error(problems, from, "A writable directory of the tree (\"+\") would modify the tree, which %s "
                             "forbids", source_text(s->from[SETTING_EPHEMERAL], other));
}

static MountIdMap bind_map(const BindSetting *b, const MountFacts *f)
{
        if (!b->source)
                return MOUNT_IDMAP_NONE;        /* a temporary directory: created with the machine's ids */
        if (b->idmap == BIND_ROOTIDMAP)
                return MOUNT_IDMAP_ROOT;
        if (b->idmap == BIND_OWNERIDMAP)
                return MOUNT_IDMAP_OWNER;
        if (b->in_tree)
                return mount_plan_tree_map(f);
        return b->idmap == BIND_IDMAP && f->userns ? MOUNT_IDMAP_MACHINE : MOUNT_IDMAP_NONE;
}

int mount_plan_add_bind(const Settings *s, const BindSetting *b, const MountFacts *f, MountPlan *p, Problems *problems)
{
        const MountRow row = {
                MOUNT_CLONE, (b->recursive ? MOUNT_RECURSIVE : 0) | (b->optional ? MOUNT_IF_SOURCE : 0),
                !b->source ? MOUNT_SOURCE_SCRATCH : b->in_tree ? MOUNT_SOURCE_IN_TREE : MOUNT_SOURCE_PATH, bind_map(b, f),
                .attrs = b->read_only ? MOUNT_ATTR_RDONLY : 0, .source = b->source, .dest = b->dest, .from = b->from,
        };

        if (b->in_tree && s->ephemeral == YES) {
                if (p->n > 0 && p->ops[0].kind == MOUNT_OVERLAY)
                        return bind_of_copy(b, p);
                if (!b->read_only)
                        return refuse_change(s, b->from, problems);
        }

        return mount_plan_add(p, &row, NULL);
}

int mount_plan_add_custom_tmpfs(const TmpfsSetting *t, const MountFacts *f, MountPlan *p, Problems *problems)
{
        uint64_t attrs = MOUNT_ATTR_NODEV | MOUNT_ATTR_STRICTATIME;
        _cleanup_free_ char *options = NULL, *all = NULL;
        const char *reason = NULL;
        MountOp *op;
        int r;

        if (t->options && *t->options) {
                r = mount_options_split(t->options, &attrs, &options, &reason);
                if (r == -ENOMEM)
                        return r;
                if (r < 0)
                        return problem_error(problems, t->from, "TemporaryFileSystem=%s:%s: %s", t->dest, t->options,
                                             reason ? reason : "not a list of mount options");
        }

        /* The default; of two options with the same name, the last wins. */
        if (strf(&all, "mode=0755%s%s", options ? "," : "", options ?: "") < 0 ||
            mount_plan_add_tmpfs(p, f, t->dest, attrs, all, &op) < 0)
                return -ENOMEM;
        op->from = t->from;
        return 0;
}

/* The machine's own cgroup file system is mounted after all mounts of settings, and cannot be locked: its root may mount another
 * one. */
static int check_cgroups(const MountOp *op, const MountFacts *f, Problems *problems)
{
        if (f->shared_cgroup || !mount_plan_is_in_cgroups(op->dest))
                return 0;
        if (op->source_kind == MOUNT_SOURCE_MASK)
                return problem_error(problems, op->from, "%s cannot be made inaccessible: root of the machine can mount "
                                     "its control groups anew", op->dest);
        return problem_warning(problems, op->from, "A mount on %s has no effect: the machine's control groups are mounted "
                               "over it", op->dest);
}

static int plan_inaccessible(const StringSetting *i, MountPlan *p)
{
        const MountRow row = {
                MOUNT_BIND, 0, MOUNT_SOURCE_MASK, .attrs = ATTR_API_RO, .dest = i->value, .from = i->from,
        };

        return mount_plan_add(p, &row, NULL);
}

/* With a user namespace, layers are mapped as the tree is: otherwise files of the host's root would belong to nobody,
 * and the machine could not write to them. */
static int add_layer(const Settings *s, const LayerSetting *l, const MountFacts *f, MountOp *op)
{
        if (!l->path)
                return mount_plan_add_layer(op, MOUNT_SOURCE_SCRATCH, MOUNT_IDMAP_NONE, NULL);
        if (l->in_tree)
                return mount_plan_add_layer(op, MOUNT_SOURCE_IN_TREE, mount_plan_tree_map(f), l->path);
        return mount_plan_add_layer(op, MOUNT_SOURCE_PATH, f->userns && s->ownership != OWNERSHIP_OFF ?
                                    MOUNT_IDMAP_MACHINE : MOUNT_IDMAP_NONE, l->path);
}

int mount_plan_add_custom_overlay(const Settings *s, const OverlaySetting *o, const MountFacts *f, MountPlan *p,
                                  Problems *problems)
{
        const MountRow row = {
                MOUNT_OVERLAY, o->read_only ? 0 : MOUNT_TOP_WRITABLE, .attrs = o->read_only ? MOUNT_ATTR_RDONLY : 0,
                .dest = o->dest, .from = o->from,
        };
        MountOp *op;

        if (s->ephemeral == YES && !o->read_only && o->layers[o->n_layers - 1].in_tree)
                return refuse_change(s, o->from, problems);

        if (mount_plan_add(p, &row, &op) < 0)
                return -ENOMEM;
        for (size_t i = 0; i < o->n_layers; i++) {
                if (add_layer(s, &o->layers[i], f, op) < 0)
                        return -ENOMEM;
                op->layers[i].optional = o->layers[i].optional;
                op->flags |= o->layers[i].optional ? MOUNT_IF_SOURCE : 0;
        }
        return 0;
}

static int path_weight(char c)
{
        return !c ? 0 : c == '/' ? 1 : (unsigned char) c + 2;
}

/* Orders paths so that a directory is followed by all paths below it. */
static int compare_paths(const char *a, const char *b)
{
        for (; *a && *a == *b; a++, b++)
                ;
        return path_weight(*a) - path_weight(*b);
}

/* Parents before paths below them, otherwise stable, which qsort() is not: on one path bind mounts, tmpfs, overlays,
 * masks, as in systemd-nspawn; among these in the order of the settings. */
static void sort_by_dest(MountOp *ops, size_t n)
{
        for (size_t i = 1; i < n; i++) {
                MountOp op = ops[i];
                size_t j = i;

                for (; j > 0 && compare_paths(ops[j - 1].dest, op.dest) > 0; j--)
                        ops[j] = ops[j - 1];
                ops[j] = op;
        }
}

int mount_plan_custom(const Settings *s, const MountFacts *f, MountPlan *p, Problems *problems)
{
        size_t first = p->n;

        for (size_t i = 0; i < s->n_binds; i++)
                if (!mount_plan_is_root(s->binds[i].dest) && mount_plan_add_bind(s, &s->binds[i], f, p, problems) < 0)
                        return -ENOMEM;
        for (size_t i = 0; i < s->n_tmpfs; i++)
                if (!mount_plan_is_root(s->tmpfs[i].dest) && mount_plan_add_custom_tmpfs(&s->tmpfs[i], f, p, problems) < 0)
                        return -ENOMEM;
        for (size_t i = 0; i < s->n_overlays; i++)
                if (!mount_plan_is_root(s->overlays[i].dest) &&
                    mount_plan_add_custom_overlay(s, &s->overlays[i], f, p, problems) < 0)
                        return -ENOMEM;
        for (size_t i = 0; i < s->inaccessible.n; i++)
                if (plan_inaccessible(&s->inaccessible.items[i], p) < 0)
                        return -ENOMEM;

        for (size_t i = first; i < p->n; i++)
                if (check_cgroups(&p->ops[i], f, problems) < 0)
                        return -ENOMEM;

        sort_by_dest(p->ops + first, p->n - first);
        return 0;
}
