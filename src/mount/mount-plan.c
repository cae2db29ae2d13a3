/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Adds, finds and frees steps of a mount plan (see mount-plan.h and mount-plan-internal.h). Pure. */

#include <string.h>

#include "mount/mount-plan-internal.h"
#include "util/print.h"
#include "util/strv.h"

static void mount_op_done(MountOp *op)
{
        for (size_t i = 0; i < op->n_nodes; i++) {
                free(op->nodes[i].path);
                free(op->nodes[i].text);
        }
        free(op->nodes);
        for (size_t i = 0; i < op->n_layers; i++)
                free(op->layers[i].source);
        free(op->layers);
        free(op->fstype);
        free(op->source);
        free(op->dest);
        free(op->options);
        free(op->context);
}

void mount_plan_done(MountPlan *p)
{
        for (size_t i = 0; i < p->n; i++)
                mount_op_done(&p->ops[i]);
        free(p->ops);
        *p = (MountPlan) {};
}

size_t mount_plan_below(const MountPlan *plan, size_t i)
{
        for (size_t j = i; j-- > 1;) {
                size_t n = strlen(plan->ops[j].dest);

                if (!(plan->ops[j].flags & MOUNT_STAGED) && strncmp(plan->ops[i].dest, plan->ops[j].dest, n) == 0 &&
                    plan->ops[i].dest[n] == '/')
                        return j;
        }
        return 0;
}

bool mount_plan_is_in_cgroups(const char *dest)
{
        static const char place[] = "/sys/fs/cgroup";
        size_t n = strlen(place);

        return strncmp(dest, place, n) == 0 && (!dest[n] || dest[n] == '/');
}

size_t mount_plan_holding(const MountPlan *plan, size_t n, const char *path)
{
        for (size_t j = n; j-- > 1;) {
                size_t length = strlen(plan->ops[j].dest);

                if (!(plan->ops[j].flags & MOUNT_STAGED) && strncmp(path, plan->ops[j].dest, length) == 0 &&
                    (path[length] == '/' || path[length] == '\0'))
                        return j;
        }
        return 0;
}

bool mount_source_is_in_tree(MountSourceKind kind)
{
        return kind == MOUNT_SOURCE_IN_TREE || kind == MOUNT_SOURCE_IN_OLD_ROOT;
}

bool mount_source_is_scratch(MountSourceKind kind)
{
        return kind == MOUNT_SOURCE_SCRATCH || kind == MOUNT_SOURCE_BESIDE_TREE;
}

static int copy_text(char **ret, const char *s)
{
        if (!s)
                return 0;
        *ret = strdup(s);
        return *ret ? 0 : -ENOMEM;
}

int mount_plan_add(MountPlan *p, const MountRow *row, MountOp **ret)
{
        MountOp *op = array_append(&p->ops, &p->n, sizeof(*op));

        if (!op)
                return -ENOMEM;
        op->kind = row->kind;
        op->flags = row->flags;
        op->source_kind = row->source_kind;
        op->id_map = row->id_map;
        op->namespace = row->namespace;
        op->from = row->from;
        op->attrs = row->attrs;
        op->attrs_clear = row->attrs_clear;
        if (copy_text(&op->fstype, row->fstype) < 0 || copy_text(&op->source, row->source) < 0 ||
            copy_text(&op->dest, row->dest) < 0 || copy_text(&op->options, row->options) < 0)
                return -ENOMEM;
        if (ret)
                *ret = op;
        return 0;
}

int mount_plan_add_rows(MountPlan *p, const MountRow *rows, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (mount_plan_add(p, &rows[i], NULL) < 0)
                        return -ENOMEM;
        return 0;
}

int mount_plan_add_tmpfs(MountPlan *p, const MountFacts *f, const char *dest, uint64_t attrs, const char *options,
                         MountOp **ret)
{
        MountRow row = { MOUNT_NEW, .attrs = attrs, .fstype = "tmpfs", .dest = dest };
        _cleanup_free_ char *text = NULL;

        if (strf(&text, "%s%suid=%u,gid=%u", options, *options ? "," : "", f->base, f->base) < 0)
                return -ENOMEM;
        row.options = text;
        return mount_plan_add(p, &row, ret);
}

int mount_plan_add_node(MountOp *op, NodeKind kind, const char *path, mode_t mode, const char *text)
{
        NodeOp *n = array_append(&op->nodes, &op->n_nodes, sizeof(*n));

        if (!n)
                return -ENOMEM;
        n->kind = kind;
        n->mode = mode;
        if (copy_text(&n->path, path) < 0 || copy_text(&n->text, text) < 0)
                return -ENOMEM;
        return 0;
}

MountOp *mount_plan_find(const MountPlan *p, const char *dest)
{
        for (size_t i = p->n; i-- > 0;)
                if (strcmp(p->ops[i].dest, dest) == 0 && !(p->ops[i].flags & MOUNT_STAGED))
                        return &p->ops[i];
        return NULL;
}

int mount_plan_add_layer(MountOp *op, MountSourceKind kind, MountIdMap id_map, const char *source)
{
        LayerOp *l = array_append(&op->layers, &op->n_layers, sizeof(*l));

        if (!l)
                return -ENOMEM;
        l->source_kind = kind;
        l->id_map = id_map;
        return copy_text(&l->source, source);
}
