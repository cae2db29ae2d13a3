/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Which mounts a machine gets, in which order, with what in them (see mount-plan.h). Pure: reads nothing of the host.
 * What a payload may expect here is systemd's container interface (CONTAINER_INTERFACE.md) as systemd-nspawn keeps it;
 * a line that looks arbitrary is a line of that contract.
 */

#include <linux/mount.h>
#include <stdio.h>
#include <string.h>

#include "mount/host-view.h"
#include "mount/mount-plan-parts.h"
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
        MountRow row = { MOUNT_NEW, 0, attrs, "tmpfs", NULL, dest, NULL };
        _cleanup_free_ char *text = NULL;

        if (asprintf(&text, "%s%suid=%u,gid=%u", options, *options ? "," : "", f->base, f->base) < 0) {
                text = NULL;
                return -ENOMEM;
        }
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

int mount_plan_add_layer(MountOp *op, unsigned flags, const char *source)
{
        LayerOp *l = array_append(&op->layers, &op->n_layers, sizeof(*l));

        if (!l)
                return -ENOMEM;
        l->flags = flags;
        return copy_text(&l->source, source);
}

/* --selinux-apifs-context=: of all files in the machine's own file systems, the terminals among them. */
static int plan_context(const char *context, MountPlan *p)
{
        for (size_t i = 0; i < p->n; i++) {
                MountOp *op = &p->ops[i];

                if (op->kind == MOUNT_NEW && (strcmp(op->fstype, "tmpfs") == 0 || strcmp(op->fstype, "devpts") == 0) &&
                    copy_text(&op->context, context) < 0)
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
            mount_plan_sys(f, &p) < 0 || mount_plan_host_view(s, &p) < 0 || mount_plan_console(f, &p) < 0 ||
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
