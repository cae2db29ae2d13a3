/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The mount plan as text, for box-run --dry-run and the golden tests. Pure but for the stream it writes to. */

#include <linux/mount.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "mount/mount-plan.h"
#include "util/print.h"

/* With a space before each. */
static void print_attrs(const MountOp *op, FILE *f)
{
        static const struct { uint64_t bit; const char *word; } words[] = {
                { MOUNT_ATTR_RDONLY, "ro" }, { MOUNT_ATTR_NOSUID, "nosuid" }, { MOUNT_ATTR_NODEV, "nodev" },
                { MOUNT_ATTR_NOEXEC, "noexec" }, { MOUNT_ATTR_NOSYMFOLLOW, "nosymfollow" },
        };
        static const char *const maps[] = {
                [MOUNT_IDMAP_NONE] = "", [MOUNT_IDMAP_MACHINE] = " idmapped", [MOUNT_IDMAP_ROOT] = " owner-is-root",
                [MOUNT_IDMAP_OWNER] = " owner-is-owner", [MOUNT_IDMAP_FOREIGN] = " idmapped-from-foreign",
        };

        for (size_t i = 0; i < ARRAY_SIZE(words); i++)
                if (op->attrs & words[i].bit)
                        fprintf(f, " %s", words[i].word);
        if (op->flags & MOUNT_TOP_WRITABLE)
                fputs(" top-writable", f);
        fputs(maps[op->id_map], f);
        if (op->flags & MOUNT_SLAVE)
                fputs(" slave", f);
        if (op->source_kind == MOUNT_SOURCE_OWN_CGROUP)
                fputs(" own-cgroup", f);
        if (op->flags & MOUNT_EXPORT)
                fputs(" shown-on-host", f);
        if (op->flags & MOUNT_UNLOCKED)
                fputs(" unlocked", f);
        if (op->flags & MOUNT_LATE)
                fputs(" late", f);
        if (op->flags & MOUNT_CREATE_DEST)
                fputs(" if-possible", f);
        else if (op->flags & (MOUNT_OPTIONAL | MOUNT_IF_SOURCE))
                fputs(" if-there", f);
}

static const char *source_word(MountSourceKind kind)
{
        return mount_source_is_scratch(kind) ? "(temporary)" : kind == MOUNT_SOURCE_MEMORY ? "(memory)" : "(inaccessible)";
}

/* A path ("+": in the tree), a type of file system, or the layers of an overlay. */
static void print_source(const MountOp *op, FILE *f)
{
        for (size_t i = 0; i < op->n_layers; i++) {
                const LayerOp *l = &op->layers[i];

                fprintf(f, "%s%s%s%s%s", i > 0 ? ":" : "overlay ", l->optional ? "-" : "",
                        mount_source_is_in_tree(l->source_kind) ? "+" : "", l->source ? l->source : source_word(l->source_kind),
                        l->id_map ? "(idmapped)" : "");
        }
        if (op->n_layers > 0)
                return;

        if (op->source_kind == MOUNT_SOURCE_STAGED)
                fputs("(staged)/", f);
        if (mount_source_is_in_tree(op->source_kind))
                fputc('+', f);
        fputs(op->source ? op->source : op->fstype ? op->fstype : source_word(op->source_kind), f);
}

char *mount_op_attributes(const MountOp *op)
{
        _cleanup_memory_stream_ MemoryStream m = {};
        FILE *f = memory_stream_open(&m);
        char *text;

        if (!f)
                return NULL;
        print_attrs(op, f);
        text = memory_stream_take(&m);
        if (text && *text)
                memmove(text, text + 1, strlen(text));
        return text;
}

const char *node_kind_name(NodeKind kind)
{
        static const char *const kinds[] = {
                [NODE_DIR] = "directory", [NODE_FILE] = "file", [NODE_LINK] = "link", [NODE_FIFO] = "fifo",
                [NODE_SOCK] = "socket", [NODE_DEVICE] = "device",
        };

        return kinds[kind];
}

static void print_node(const NodeOp *n, FILE *f)
{
        fprintf(f, "    %s %s", node_kind_name(n->kind), n->path);
        if (n->kind == NODE_LINK)
                fprintf(f, " -> %s", n->text);
        else if (n->kind == NODE_DEVICE)
                fprintf(f, " %u:%u", major(n->rdev), minor(n->rdev));
        if (n->kind != NODE_LINK)
                fprintf(f, " %04o", n->mode & 07777);
        if (n->optional)
                fputs(" if-allowed", f);
        fputc('\n', f);
}

int mount_plan_print(const MountPlan *p, FILE *f)
{
        static const char *const kinds[] = {
                [MOUNT_CLONE] = "tree ", [MOUNT_NEW] = "new ", [MOUNT_BIND] = "bind ", [MOUNT_OVERLAY] = "",
        };
        char source[SOURCE_TEXT_MAX];

        for (size_t i = 0; i < p->n; i++) {
                const MountOp *op = &p->ops[i];

                fprintf(f, "  %s", kinds[op->kind]);
                print_source(op, f);
                fprintf(f, " -> %s%s", op->flags & MOUNT_STAGED ? "(staged)" : "", op->dest);
                print_attrs(op, f);
                if (op->options)
                        fprintf(f, " %s", op->options);
                if (op->context)
                        fprintf(f, " context=%s", op->context);
                if (op->from.where)
                        fprintf(f, " [%s]", source_text(op->from, source));
                fputc('\n', f);
                for (size_t j = 0; j < op->n_nodes; j++)
                        print_node(&op->nodes[j], f);
        }
        if (p->read_only_root)
                fputs("  set / ro\n", f);
        return ferror(f) ? -EIO : 0;
}
