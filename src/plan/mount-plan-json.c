/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The mounts of the plan as JSON (see plan-json.h). Pure. */

#include <sys/sysmacros.h>

#include "plan/plan-json-internal.h"
#include "plan/source-json.h"

static void put_node(Json *w, const NodeOp *n)
{
        json_begin_object(w, NULL);
        json_put_string(w, "kind", node_kind_name(n->kind));
        json_put_string(w, "path", n->path);
        if (n->text && !n->secret)
                json_put_string(w, n->kind == NODE_LINK ? "target" : "text", n->text);
        if (n->kind == NODE_DEVICE)
                json_put_format(w, "device", "%u:%u", major(n->rdev), minor(n->rdev));
        if (n->kind != NODE_LINK)
                json_put_format(w, "mode", "%04o", n->mode & 07777);
        if (n->has_owner) {
                json_put_number(w, "uid", n->uid);
                json_put_number(w, "gid", n->gid);
        }
        if (n->optional)
                json_put_bool(w, "optional", true);
        json_end(w);
}

static void put_layer(Json *w, const LayerOp *l)
{
        json_begin_object(w, NULL);
        if (l->source)
                json_put_string(w, "source", l->source);
        else
                json_put_string(w, "new", l->source_kind == MOUNT_SOURCE_MEMORY ? "memory" : "directory");
        if (mount_source_is_in_tree(l->source_kind))
                json_put_bool(w, "in_tree", true);
        if (l->optional)
                json_put_bool(w, "optional", true);
        if (l->id_map)
                json_put_bool(w, "idmapped", true);
        json_end(w);
}

static void put_mount(Json *w, const MountOp *op)
{
        static const char *const kinds[] = {
                [MOUNT_CLONE] = "tree", [MOUNT_NEW] = "new", [MOUNT_BIND] = "bind", [MOUNT_OVERLAY] = "overlay",
        };
        _cleanup_free_ char *attributes = mount_op_attributes(op);

        json_begin_object(w, NULL);
        json_put_string(w, "kind", kinds[op->kind]);
        if (op->fstype)
                json_put_string(w, "type", op->fstype);
        if (op->source)
                json_put_string(w, "source", op->source);
        if (mount_source_is_in_tree(op->source_kind))
                json_put_bool(w, "in_tree", true);
        if (mount_source_is_scratch(op->source_kind))
                json_put_string(w, "new", "directory");
        if (op->n_layers > 0) {
                json_begin_array(w, "layers");
                for (size_t i = 0; i < op->n_layers; i++)
                        put_layer(w, &op->layers[i]);
                json_end(w);
        }
        json_put_string(w, "destination", op->dest);
        json_put_string(w, "attributes", attributes);
        if (op->options)
                json_put_string(w, "options", op->options);
        if (op->context)
                json_put_string(w, "context", op->context);
        if (op->n_nodes > 0) {
                json_begin_array(w, "nodes");
                for (size_t i = 0; i < op->n_nodes; i++)
                        put_node(w, &op->nodes[i]);
                json_end(w);
        }
        source_to_json(w, "from", op->from);
        json_end(w);
}

void mount_plan_to_json(Json *w, const char *key, const MountPlan *p)
{
        json_begin_array(w, key);
        for (size_t i = 0; i < p->n; i++)
                put_mount(w, &p->ops[i]);
        json_end(w);
}
