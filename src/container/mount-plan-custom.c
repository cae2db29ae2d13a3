/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The mounts that a machine's settings ask for, each a step that knows the line it was written on. Pure. */

#include <stdio.h>
#include <string.h>

#include "container/mount-options.h"
#include "container/mount-plan-parts.h"

static int plan_bind(const BindSetting *b, const MountFacts *f, MountPlan *p, Problems *problems)
{
        MountRow row = { MOUNT_TREE, 0, b->read_only ? MOUNT_ATTR_RDONLY : 0, NULL, b->source, b->dest };
        MountOp *op;

        if (!b->source)
                return problem_error(problems, b->from, "A bind mount of a temporary directory is not supported yet");
        if (b->recursive)
                row.flags |= MOUNT_RECURSIVE;
        if (b->in_tree)
                row.flags |= MOUNT_IN_TREE | (f->idmap_tree ? MOUNT_IDMAP : 0);
        if (b->idmap == BIND_IDMAP && f->userns)
                row.flags |= MOUNT_IDMAP;
        else if (b->idmap == BIND_ROOTIDMAP)
                row.flags |= MOUNT_ROOTIDMAP;
        else if (b->idmap == BIND_OWNERIDMAP)
                row.flags |= MOUNT_OWNERIDMAP;

        if (mount_plan_add(p, &row, &op) < 0)
                return -ENOMEM;
        op->from = b->from;
        return 0;
}

static int plan_tmpfs(const TmpfsSetting *t, const MountFacts *f, MountPlan *p, Problems *problems)
{
        uint64_t attrs = MOUNT_ATTR_NODEV | MOUNT_ATTR_STRICTATIME;
        _cleanup_free_ char *options = NULL;
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

        /* mode= is 0755 unless written: a later option of the same name wins. */
        if (options) {
                _cleanup_free_ char *all = NULL;

                if (asprintf(&all, "mode=0755,%s", options) < 0) {
                        all = NULL;
                        return -ENOMEM;
                }
                r = mount_plan_add_tmpfs(p, f, t->dest, attrs, all, &op);
        } else
                r = mount_plan_add_tmpfs(p, f, t->dest, attrs, "mode=0755", &op);
        if (r < 0)
                return r;
        op->from = t->from;
        return 0;
}

static int plan_inaccessible(const StringSetting *i, MountPlan *p)
{
        MountRow row = { MOUNT_BIND, MOUNT_MASK, ATTR_API_RO, NULL, NULL, i->value };
        MountOp *op;

        if (mount_plan_add(p, &row, &op) < 0)
                return -ENOMEM;
        op->from = i->from;
        return 0;
}

/* Parents before what lies below them, the written order kept otherwise: qsort() would not promise that. */
static void sort_by_dest(MountOp *ops, size_t n)
{
        for (size_t i = 1; i < n; i++) {
                MountOp op = ops[i];
                size_t j = i;

                for (; j > 0 && strcmp(ops[j - 1].dest, op.dest) > 0; j--)
                        ops[j] = ops[j - 1];
                ops[j] = op;
        }
}

int mount_plan_custom(const Settings *s, const MountFacts *f, MountPlan *p, Problems *problems)
{
        size_t first = p->n;

        for (size_t i = 0; i < s->n_binds; i++)
                if (plan_bind(&s->binds[i], f, p, problems) < 0)
                        return -ENOMEM;
        for (size_t i = 0; i < s->n_tmpfs; i++)
                if (plan_tmpfs(&s->tmpfs[i], f, p, problems) < 0)
                        return -ENOMEM;
        for (size_t i = 0; i < s->n_inaccessible; i++)
                if (plan_inaccessible(&s->inaccessible[i], p) < 0)
                        return -ENOMEM;

        for (size_t i = first; i < p->n; i++)
                if (strcmp(p->ops[i].dest, "/") == 0 &&
                    problem_error(problems, p->ops[i].from, "A mount on / is not supported yet") < 0)
                        return -ENOMEM;

        sort_by_dest(p->ops + first, p->n - first);
        return 0;
}
