/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Which mounts a machine gets, in which order, with what in them (see mount-plan.h). Pure: reads nothing of the host.
 * What a payload may expect here is systemd's container interface (CONTAINER_INTERFACE.md) as systemd-nspawn keeps it;
 * a line that looks arbitrary is a line of that contract.
 */

#include <linux/mount.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "container/mount-options.h"
#include "container/mount-plan.h"
#include "util/strv.h"

#define ATTR_API (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NODEV)
#define ATTR_API_RO (ATTR_API | MOUNT_ATTR_RDONLY)

static void mount_op_done(MountOp *op)
{
        for (size_t i = 0; i < op->n_nodes; i++) {
                free(op->nodes[i].path);
                free(op->nodes[i].text);
        }
        free(op->nodes);
        free(op->fstype);
        free(op->source);
        free(op->dest);
        free(op->options);
}

void mount_plan_done(MountPlan *p)
{
        for (size_t i = 0; i < p->n; i++)
                mount_op_done(&p->ops[i]);
        free(p->ops);
        *p = (MountPlan) {};
}

/* ---- building --------------------------------------------------------------------------------------------- */

/* A step as the tables below write it. */
typedef struct MountRow {
        MountKind kind;
        unsigned flags;
        uint64_t attrs;
        const char *fstype, *source, *dest, *options;
        uint64_t attrs_clear;
} MountRow;

static int copy_text(char **ret, const char *s)
{
        if (!s)
                return 0;
        *ret = strdup(s);
        return *ret ? 0 : -ENOMEM;
}

static int add(MountPlan *p, const MountRow *row, MountOp **ret)
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

static int add_rows(MountPlan *p, const MountRow *rows, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (add(p, &rows[i], NULL) < 0)
                        return -ENOMEM;
        return 0;
}

/* A tmpfs whose root directory belongs to the machine's root. */
static int add_tmpfs(MountPlan *p, const MountFacts *f, const char *dest, uint64_t attrs, const char *options,
                     MountOp **ret)
{
        MountRow row = { MOUNT_NEW, 0, attrs, "tmpfs", NULL, dest, NULL };
        _cleanup_free_ char *text = NULL;

        if (asprintf(&text, "%s%suid=%u,gid=%u", options, *options ? "," : "", f->base, f->base) < 0) {
                text = NULL;
                return -ENOMEM;
        }
        row.options = text;
        return add(p, &row, ret);
}

static int add_node(MountOp *op, NodeKind kind, const char *path, mode_t mode, const char *text)
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

/* ---- the parts, in the order they are mounted ------------------------------------------------------------- */

static int plan_root(const MountFacts *f, MountPlan *p)
{
        MountRow row = { MOUNT_TREE, MOUNT_RECURSIVE | (f->idmap_tree ? MOUNT_IDMAP : 0), 0, NULL, f->root, "/" };

        return add(p, &row, NULL);
}

/* A device node, and the link by number that udev would make: systemd's tools look devices up there. */
static int add_device(MountOp *op, const DeviceFact *d)
{
        _cleanup_free_ char *link = NULL, *target = NULL;
        NodeOp *n;

        if (add_node(op, NODE_DEVICE, d->name, S_IFCHR | 0666, NULL) < 0)
                return -ENOMEM;
        n = &op->nodes[op->n_nodes - 1];
        n->rdev = d->rdev;
        n->optional = d->optional;

        if (asprintf(&link, "char/%u:%u", major(d->rdev), minor(d->rdev)) < 0) {
                link = NULL;
                return -ENOMEM;
        }
        if (asprintf(&target, "../%s", d->name) < 0) {
                target = NULL;
                return -ENOMEM;
        }
        return add_node(op, NODE_LINK, link, 0, target);
}

static int plan_dev(const MountFacts *f, MountPlan *p)
{
        static const struct { NodeKind kind; const char *path; mode_t mode; const char *text; } nodes[] = {
                { NODE_DIR, "shm", 01777 },
                { NODE_DIR, "mqueue", 0755 },
                { NODE_DIR, "pts", 0755 },
                { NODE_DIR, "net", 0755 },
                { NODE_DIR, "char", 0755 },
                { NODE_DIR, "block", 0755 },
                { NODE_LINK, "ptmx", 0, "pts/ptmx" },
                { NODE_LINK, "fd", 0, "/proc/self/fd" },
                { NODE_LINK, "stdin", 0, "/proc/self/fd/0" },
                { NODE_LINK, "stdout", 0, "/proc/self/fd/1" },
                { NODE_LINK, "stderr", 0, "/proc/self/fd/2" },
                { NODE_LINK, "core", 0, "/proc/kcore" },
        };
        _cleanup_free_ char *options = NULL;
        MountRow row = { MOUNT_NEW, 0, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, "devpts", NULL, "/dev/pts" };
        static const MountRow mqueue = { MOUNT_INSIDE, 0, ATTR_API, "mqueue", NULL, "/dev/mqueue" };
        MountOp *dev;

        if (add_tmpfs(p, f, "/dev", MOUNT_ATTR_NOSUID | MOUNT_ATTR_STRICTATIME, "mode=0755,size=4m,nr_inodes=64k",
                      &dev) < 0)
                return -ENOMEM;
        for (size_t i = 0; i < ARRAY_SIZE(nodes); i++)
                if (add_node(dev, nodes[i].kind, nodes[i].path, nodes[i].mode, nodes[i].text) < 0)
                        return -ENOMEM;
        for (size_t i = 0; i < f->n_devices; i++)
                if (add_device(dev, &f->devices[i]) < 0)
                        return -ENOMEM;
        if (f->console && add_node(dev, NODE_FILE, "console", 0600, NULL) < 0)
                return -ENOMEM;

        /* gid 5 is "tty" everywhere; a new instance is what any mount of devpts is since Linux 4.7. */
        if (asprintf(&options, "newinstance,ptmxmode=0666,mode=0620,gid=%u", f->base + 5) < 0) {
                options = NULL;
                return -ENOMEM;
        }
        row.options = options;
        if (add(p, &row, NULL) < 0 ||
            add_tmpfs(p, f, "/dev/shm", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_STRICTATIME,
                      "mode=1777,size=10%,nr_inodes=400k", NULL) < 0)
                return -ENOMEM;
        return add(p, &mqueue, NULL);
}

/* /run, and in it /run/host: what the host tells the machine, a mount of its own that is read-only inside. */
static int plan_run(const MountFacts *f, MountPlan *p)
{
        static const struct { NodeKind kind; const char *path; mode_t mode; } inaccessible[] = {
                { NODE_DIR, "inaccessible", 0755 },
                { NODE_FILE, "inaccessible/reg", 0000 },
                { NODE_DIR, "inaccessible/dir", 0000 },
                { NODE_FIFO, "inaccessible/fifo", 0000 },
                { NODE_SOCK, "inaccessible/sock", 0000 },
        };
        _cleanup_free_ char *manager = NULL, *uuid = NULL, *boot_id = NULL;
        MountOp *run, *host;

        if (asprintf(&manager, "%s\n", f->manager) < 0) {
                manager = NULL;
                return -ENOMEM;
        }
        if (asprintf(&uuid, "%s\n", f->uuid) < 0) {
                uuid = NULL;
                return -ENOMEM;
        }
        if (asprintf(&boot_id, "%s\n", f->boot_id) < 0) {
                boot_id = NULL;
                return -ENOMEM;
        }

        if (add_tmpfs(p, f, "/run", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_STRICTATIME,
                      "mode=0755,size=20%,nr_inodes=800k", &run) < 0 ||
            add_node(run, NODE_DIR, "host", 0755, NULL) < 0)
                return -ENOMEM;
        if (add_tmpfs(p, f, "/run/host", ATTR_API_RO, "mode=0755,size=1m,nr_inodes=1k", &host) < 0)
                return -ENOMEM;
        for (size_t i = 0; i < ARRAY_SIZE(inaccessible); i++)
                if (add_node(host, inaccessible[i].kind, inaccessible[i].path, inaccessible[i].mode, NULL) < 0)
                        return -ENOMEM;

        if (add_node(host, NODE_FILE, "container-manager", 0444, manager) < 0 ||
            add_node(host, NODE_FILE, "container-uuid", 0444, uuid) < 0 ||
            add_node(host, NODE_FILE, "os-release", 0444, f->host_os_release) < 0 ||
            /* Sources of the masks in plan_proc(). */
            add_node(host, NODE_FILE, ".boot-id", 0444, boot_id) < 0 ||
            add_node(host, NODE_FIFO, ".kmsg", 0600, NULL) < 0 ||
            add_node(host, NODE_DIR, "incoming", 0600, NULL) < 0)
                return -ENOMEM;
        return 0;
}

/* machined mounts what `machinectl bind` asks for into this directory of the host; it arrives inside as a slave. */
static int plan_incoming(const MountFacts *f, MountPlan *p)
{
        MountRow row = { MOUNT_TREE, MOUNT_SLAVE, ATTR_API_RO, NULL, NULL, "/run/host/incoming" };
        _cleanup_free_ char *source = NULL;

        if (asprintf(&source, "/run/systemd/nspawn/propagate/%s", f->machine) < 0) {
                source = NULL;
                return -ENOMEM;
        }
        row.source = source;
        return add(p, &row, NULL);
}

static int plan_proc(const MountFacts *f, MountPlan *p)
{
        static const MountRow rows[] = {
                { MOUNT_NEW, MOUNT_PIDNS, ATTR_API, "proc", NULL, "/proc" },
                { MOUNT_BIND, 0, ATTR_API_RO, NULL, "/proc/sys", "/proc/sys" },
        };
        /* The payload's own to write: its network namespace is what these are about. */
        static const MountRow sys_net = {
                MOUNT_BIND, 0, ATTR_API, NULL, "/proc/sys/net", "/proc/sys/net", NULL, MOUNT_ATTR_RDONLY
        };
        static const char *const read_only[] = {
                "/proc/acpi", "/proc/apm", "/proc/asound", "/proc/bus", "/proc/fs", "/proc/irq", "/proc/scsi",
        };
        static const char *const masked[] = {
                "/proc/kallsyms", "/proc/kcore", "/proc/keys", "/proc/sysrq-trigger", "/proc/timer_list",
        };
        static const MountRow own[] = {
                { MOUNT_BIND, MOUNT_OPTIONAL, ATTR_API, NULL, "/run/host/.kmsg", "/proc/kmsg", NULL,
                  MOUNT_ATTR_RDONLY },
                { MOUNT_BIND, MOUNT_OPTIONAL, ATTR_API_RO, NULL, "/run/host/.boot-id",
                  "/proc/sys/kernel/random/boot_id" },
        };

        if (add_rows(p, rows, ARRAY_SIZE(rows)) < 0)
                return -ENOMEM;
        if (f->private_network && add(p, &sys_net, NULL) < 0)
                return -ENOMEM;
        for (size_t i = 0; i < ARRAY_SIZE(read_only); i++) {
                MountRow row = { MOUNT_BIND, MOUNT_OPTIONAL, ATTR_API_RO, NULL, read_only[i], read_only[i] };

                if (add(p, &row, NULL) < 0)
                        return -ENOMEM;
        }
        for (size_t i = 0; i < ARRAY_SIZE(masked); i++) {
                MountRow row = { MOUNT_BIND, MOUNT_MASK | MOUNT_OPTIONAL, ATTR_API_RO, NULL, NULL, masked[i] };

                if (add(p, &row, NULL) < 0)
                        return -ENOMEM;
        }
        return add_rows(p, own, ARRAY_SIZE(own));
}

/*
 * With the host's network: sysfs as it is, read-only. With a network of its own: a tmpfs that holds only those parts of
 * a sysfs of its own that have to do with devices, so that the payload sees its links and neither firmware nor modules.
 * udev and others take a read-only /sys as the sign of a container.
 */
static int plan_sys(const MountFacts *f, MountPlan *p)
{
        static const MountRow whole = { MOUNT_NEW, MOUNT_NETNS, ATTR_API_RO, "sysfs", NULL, "/sys" };
        static const MountRow staged = {
                MOUNT_NEW, MOUNT_NETNS | MOUNT_STAGED, ATTR_API, "sysfs", NULL, "/sys"
        };
        static const MountRow cgroup = { MOUNT_INSIDE, MOUNT_LATE, ATTR_API, "cgroup2", NULL, "/sys/fs/cgroup" };
        static const char *const parts[] = { "block", "bus", "class", "dev", "devices", "kernel" };
        MountOp *sys;

        if (!f->private_network) {
                if (add(p, &whole, NULL) < 0)
                        return -ENOMEM;
                return add(p, &cgroup, NULL);
        }

        if (add(p, &staged, NULL) < 0 ||
            add_tmpfs(p, f, "/sys", ATTR_API_RO | MOUNT_ATTR_STRICTATIME, "mode=0555,size=1m,nr_inodes=64", &sys) < 0 ||
            add_node(sys, NODE_DIR, "fs", 0755, NULL) < 0 || add_node(sys, NODE_DIR, "fs/cgroup", 0755, NULL) < 0)
                return -ENOMEM;
        for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
                if (add_node(sys, NODE_DIR, parts[i], 0755, NULL) < 0)
                        return -ENOMEM;

        for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
                MountRow row = { MOUNT_BIND, MOUNT_FROM_STAGE | MOUNT_OPTIONAL, ATTR_API_RO };
                _cleanup_free_ char *dest = NULL;

                if (asprintf(&dest, "/sys/%s", parts[i]) < 0) {
                        dest = NULL;
                        return -ENOMEM;
                }
                row.source = parts[i];
                row.dest = dest;
                if (add(p, &row, NULL) < 0)
                        return -ENOMEM;
        }
        return add(p, &cgroup, NULL);
}

static int plan_console(const MountFacts *f, MountPlan *p)
{
        /* The machine's first pty is the console's: the supervisor opens it before anybody else can. */
        static const MountRow row = {
                MOUNT_BIND, 0, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, NULL, "/dev/pts/0", "/dev/console"
        };

        return f->console ? add(p, &row, NULL) : 0;
}

/* ---- what the settings add -------------------------------------------------------------------------------- */

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

        if (add(p, &row, &op) < 0)
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
                r = add_tmpfs(p, f, t->dest, attrs, all, &op);
        } else
                r = add_tmpfs(p, f, t->dest, attrs, "mode=0755", &op);
        if (r < 0)
                return r;
        op->from = t->from;
        return 0;
}

static int plan_inaccessible(const StringSetting *i, MountPlan *p)
{
        MountRow row = { MOUNT_BIND, MOUNT_MASK, ATTR_API_RO, NULL, NULL, i->value };
        MountOp *op;

        if (add(p, &row, &op) < 0)
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

static int plan_custom(const Settings *s, const MountFacts *f, MountPlan *p, Problems *problems)
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

int mount_plan_make(const Settings *s, const MountFacts *f, MountPlan *ret, Problems *problems)
{
        _cleanup_(mount_plan_done) MountPlan p = { .read_only_root = s->read_only == YES };

        if (plan_root(f, &p) < 0 || plan_dev(f, &p) < 0 || plan_run(f, &p) < 0 || plan_incoming(f, &p) < 0 ||
            plan_proc(f, &p) < 0 || plan_sys(f, &p) < 0 || plan_console(f, &p) < 0 ||
            add_tmpfs(&p, f, "/tmp", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_STRICTATIME,
                      "mode=1777,size=10%,nr_inodes=400k", NULL) < 0 ||
            plan_custom(s, f, &p, problems) < 0)
                return -ENOMEM;

        *ret = p;
        p = (MountPlan) {};
        return 0;
}

/* ---- the dry run's text ----------------------------------------------------------------------------------- */

static void print_attrs(const MountOp *op, FILE *f)
{
        static const struct { uint64_t bit; const char *word; } words[] = {
                { MOUNT_ATTR_RDONLY, "ro" }, { MOUNT_ATTR_NOSUID, "nosuid" }, { MOUNT_ATTR_NODEV, "nodev" },
                { MOUNT_ATTR_NOEXEC, "noexec" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(words); i++)
                if (op->attrs & words[i].bit)
                        fprintf(f, " %s", words[i].word);
        if (op->flags & MOUNT_IDMAP)
                fputs(" idmapped", f);
        if (op->flags & MOUNT_ROOTIDMAP)
                fputs(" owner-is-root", f);
        if (op->flags & MOUNT_OWNERIDMAP)
                fputs(" owner-is-owner", f);
        if (op->flags & MOUNT_SLAVE)
                fputs(" slave", f);
        if (op->flags & MOUNT_OPTIONAL)
                fputs(" if-there", f);
        if (op->options)
                fprintf(f, " %s", op->options);
}

static void print_node(const NodeOp *n, FILE *f)
{
        static const char *const kinds[] = {
                [NODE_DIR] = "directory", [NODE_FILE] = "file", [NODE_LINK] = "link", [NODE_FIFO] = "fifo",
                [NODE_SOCK] = "socket", [NODE_DEVICE] = "device",
        };

        fprintf(f, "    %s %s", kinds[n->kind], n->path);
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
        static const char *const who[] = {
                [MOUNT_TREE] = "supervisor tree", [MOUNT_NEW] = "supervisor new", [MOUNT_INSIDE] = "child new",
                [MOUNT_BIND] = "child bind",
        };
        char source[SOURCE_TEXT_MAX];

        for (size_t i = 0; i < p->n; i++) {
                const MountOp *op = &p->ops[i];

                const char *what = op->source ? op->source : op->flags & MOUNT_MASK ? "(inaccessible)" : op->fstype;

                fprintf(f, "  %s %s%s -> %s%s", who[op->kind], op->flags & MOUNT_FROM_STAGE ? "(staged)/" : "", what,
                        op->flags & MOUNT_STAGED ? "(staged)" : "", op->dest);
                print_attrs(op, f);
                if (op->from.where)
                        fprintf(f, " [%s]", source_text(op->from, source));
                fputc('\n', f);
                for (size_t j = 0; j < op->n_nodes; j++)
                        print_node(&op->nodes[j], f);
        }
        if (p->read_only_root)
                fputs("  child set / ro\n", f);
        return ferror(f) ? -EIO : 0;
}
