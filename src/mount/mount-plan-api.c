/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The mounts of every machine: /dev, /run with /run/host, /proc, /sys, the console. They follow systemd's container
 * interface (CONTAINER_INTERFACE.md) as implemented by systemd-nspawn; lines that look arbitrary are part of it. Pure.
 */

#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "mount/mount-plan-internal.h"
#include "util/print.h"

/* A device node, and the link by number that udev would create: systemd's tools look devices up there. */
static int add_device(MountOp *op, const DeviceFact *d)
{
        _cleanup_free_ char *link = NULL, *target = NULL;
        NodeOp *n;

        if (mount_plan_add_node(op, NODE_DEVICE, d->name, S_IFCHR | 0666, NULL) < 0)
                return -ENOMEM;
        n = &op->nodes[op->n_nodes - 1];
        n->rdev = d->rdev;
        n->optional = d->optional;

        if (strf(&link, "char/%u:%u", major(d->rdev), minor(d->rdev)) < 0 || strf(&target, "../%s", d->name) < 0)
                return -ENOMEM;
        return mount_plan_add_node(op, NODE_LINK, link, 0, target);
}

int mount_plan_dev(const MountFacts *f, MountPlan *p)
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
        MountRow row = { MOUNT_NEW, .attrs = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, .fstype = "devpts", .dest = "/dev/pts" };
        const MountRow mqueue = {
                MOUNT_NEW, .namespace = f->shared_ipc ? MOUNT_NAMESPACE_NONE : MOUNT_NAMESPACE_IPC, .attrs = ATTR_API,
                .fstype = "mqueue", .dest = "/dev/mqueue",
        };
        MountOp *dev;

        if (mount_plan_add_tmpfs(p, f, "/dev", MOUNT_ATTR_NOSUID | MOUNT_ATTR_STRICTATIME,
                                 "mode=0755,size=4m,nr_inodes=64k", &dev) < 0)
                return -ENOMEM;
        for (size_t i = 0; i < ARRAY_SIZE(nodes); i++)
                if (mount_plan_add_node(dev, nodes[i].kind, nodes[i].path, nodes[i].mode, nodes[i].text) < 0)
                        return -ENOMEM;
        for (size_t i = 0; i < f->n_devices; i++)
                if (add_device(dev, &f->devices[i]) < 0)
                        return -ENOMEM;
        if (f->console && mount_plan_add_node(dev, NODE_FILE, "console", 0600, NULL) < 0)
                return -ENOMEM;

        if (strf(&options, "newinstance,ptmxmode=0666,mode=0620,gid=%u", f->tty_gid) < 0)
                return -ENOMEM;
        row.options = options;
        if (mount_plan_add(p, &row, NULL) < 0 ||
            mount_plan_add_tmpfs(p, f, "/dev/shm", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_STRICTATIME,
                                 "mode=1777,size=10%,nr_inodes=400k", NULL) < 0)
                return -ENOMEM;
        return mount_plan_add(p, &mqueue, NULL);
}

/* The kernel lets a user namespace mount proc and sysfs only where a mount of them is visible as a whole, which /proc and /sys of
 * a machine are not. */
static const struct { const char *node; MountRow row; } nesting_mounts[] = {
        { "proc", { MOUNT_NEW, .namespace = MOUNT_NAMESPACE_PID, .attrs = ATTR_API, .fstype = "proc",
                    .dest = "/run/host/proc" } },
        { "sys", { MOUNT_NEW, .namespace = MOUNT_NAMESPACE_NETWORK, .attrs = ATTR_API, .fstype = "sysfs",
                   .dest = "/run/host/sys" } },
};

/* /run, and /run/host: information from the host, on a mount of its own that is read-only in the machine. */
int mount_plan_run(const MountFacts *f, MountPlan *p)
{
        static const struct { NodeKind kind; const char *path; mode_t mode; } inaccessible[] = {
                { NODE_DIR, "inaccessible", 0555 },
                { NODE_FILE, "inaccessible/reg", 0000 },
                { NODE_DIR, "inaccessible/dir", 0000 },
                { NODE_FIFO, "inaccessible/fifo", 0000 },
                { NODE_SOCK, "inaccessible/sock", 0000 },
                /* Number 0:0, which no driver has; the unit's device policy may refuse device nodes. */
                { NODE_DEVICE, "inaccessible/chr", S_IFCHR },
                { NODE_DEVICE, "inaccessible/blk", S_IFBLK },
        };
        _cleanup_free_ char *manager = NULL, *uuid = NULL, *boot_id = NULL;
        MountOp *run, *host;

        if (strf(&manager, "%s\n", f->manager) < 0 || strf(&uuid, "%s\n", f->uuid) < 0 ||
            strf(&boot_id, "%s\n", f->boot_id) < 0)
                return -ENOMEM;

        if (mount_plan_add_tmpfs(p, f, "/run", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_STRICTATIME,
                                 "mode=0755,size=20%,nr_inodes=800k", &run) < 0 ||
            mount_plan_add_node(run, NODE_DIR, "host", 0755, NULL) < 0)
                return -ENOMEM;
        if (mount_plan_add_tmpfs(p, f, "/run/host", ATTR_API_RO, "mode=0755,size=1m,nr_inodes=1k", &host) < 0)
                return -ENOMEM;
        for (size_t i = 0; i < ARRAY_SIZE(inaccessible); i++) {
                if (mount_plan_add_node(host, inaccessible[i].kind, inaccessible[i].path, inaccessible[i].mode,
                                        NULL) < 0)
                        return -ENOMEM;
                host->nodes[host->n_nodes - 1].optional = inaccessible[i].kind == NODE_DEVICE;
        }

        for (size_t i = 0; f->nesting && f->userns && i < ARRAY_SIZE(nesting_mounts); i++)
                if (mount_plan_add_node(host, NODE_DIR, nesting_mounts[i].node, 0755, NULL) < 0)
                        return -ENOMEM;
        if (mount_plan_add_node(host, NODE_FILE, "container-manager", 0444, manager) < 0 ||
            mount_plan_add_node(host, NODE_FILE, "container-uuid", 0444, uuid) < 0 ||
            mount_plan_add_node(host, NODE_FILE, "os-release", 0644, f->host_os_release) < 0 ||
            /* Sources of the binds in mount_plan_proc(). */
            mount_plan_add_node(host, NODE_FILE, ".boot-id", 0444, boot_id) < 0 ||
            mount_plan_add_node(host, NODE_FIFO, ".kmsg", 0600, NULL) < 0 ||
            mount_plan_add_node(host, NODE_DIR, "incoming", 0600, NULL) < 0)
                return -ENOMEM;
        return 0;
}

/* machined mounts here for `machinectl bind`; the machine's mount receives it as a slave. */
int mount_plan_incoming(const MountFacts *f, MountPlan *p)
{
        MountRow row = { MOUNT_CLONE, MOUNT_SLAVE, .attrs = ATTR_API_RO, .dest = "/run/host/incoming" };
        _cleanup_free_ char *source = NULL;

        if (strf(&source, "/run/systemd/nspawn/propagate/%s", f->machine) < 0)
                return -ENOMEM;
        row.source = source;
        return mount_plan_add(p, &row, NULL);
}

/* The host's files in /proc, other than those of processes, are read-only or masked. Not locked: a locked mount on a part of
 * proc would forbid the user namespaces of the machine a proc of their own (mount_too_revealing() in the kernel), and the
 * kernel's checks of owners hold without these, too. */
static int plan_proc_protection(const MountFacts *f, MountPlan *p)
{
        static const MountRow sys = {
                MOUNT_BIND, MOUNT_UNLOCKED, .attrs = ATTR_API_RO, .source = "/proc/sys", .dest = "/proc/sys",
        };
        /* Writable: these settings are those of the machine's network namespace. */
        static const MountRow sys_net = {
                MOUNT_BIND, MOUNT_UNLOCKED, .attrs = ATTR_API, .attrs_clear = MOUNT_ATTR_RDONLY, .source = "/proc/sys/net",
                .dest = "/proc/sys/net",
        };
        static const char *const read_only[] = {
                "/proc/acpi", "/proc/apm", "/proc/asound", "/proc/bus", "/proc/fs", "/proc/irq", "/proc/scsi",
        };
        static const char *const masked[] = {
                "/proc/kallsyms", "/proc/kcore", "/proc/keys", "/proc/sysrq-trigger", "/proc/timer_list",
        };

        if (mount_plan_add(p, &sys, NULL) < 0)
                return -ENOMEM;
        if ((f->private_network || f->api_vfs == API_VFS_NETWORK) && mount_plan_add(p, &sys_net, NULL) < 0)
                return -ENOMEM;
        for (size_t i = 0; i < ARRAY_SIZE(read_only); i++) {
                const MountRow row = {
                        MOUNT_BIND, MOUNT_OPTIONAL | MOUNT_UNLOCKED, .attrs = ATTR_API_RO, .source = read_only[i],
                        .dest = read_only[i],
                };

                if (mount_plan_add(p, &row, NULL) < 0)
                        return -ENOMEM;
        }
        for (size_t i = 0; i < ARRAY_SIZE(masked); i++) {
                const MountRow row = {
                        MOUNT_BIND, MOUNT_OPTIONAL | MOUNT_UNLOCKED, MOUNT_SOURCE_MASK, .attrs = ATTR_API_RO,
                        .dest = masked[i],
                };

                if (mount_plan_add(p, &row, NULL) < 0)
                        return -ENOMEM;
        }
        return 0;
}

int mount_plan_proc(const MountFacts *f, MountPlan *p)
{
        const MountRow proc = {
                MOUNT_NEW, .namespace = f->shared_pid ? MOUNT_NAMESPACE_NONE : MOUNT_NAMESPACE_PID, .attrs = ATTR_API,
                .fstype = "proc", .dest = "/proc",
        };
        static const MountRow own[] = {
                { MOUNT_BIND, MOUNT_OPTIONAL | MOUNT_UNLOCKED, .attrs = ATTR_API, .attrs_clear = MOUNT_ATTR_RDONLY,
                  .source = "/run/host/.kmsg", .dest = "/proc/kmsg" },
                { MOUNT_BIND, MOUNT_OPTIONAL | MOUNT_UNLOCKED, .attrs = ATTR_API_RO, .source = "/run/host/.boot-id",
                  .dest = "/proc/sys/kernel/random/boot_id" },
        };

        if (mount_plan_add(p, &proc, NULL) < 0)
                return -ENOMEM;
        if (f->api_vfs != API_VFS_WRITABLE && plan_proc_protection(f, p) < 0)
                return -ENOMEM;
        return mount_plan_add_rows(p, own, ARRAY_SIZE(own));
}

/* With a cgroup namespace of its own, the machine sees only its part of the tree. Without one it sees the host's tree
 * read-only, with its own part writable. The host's mount is cloned: a new one would change the options of the host's. */
static int plan_cgroup(const MountFacts *f, MountPlan *p)
{
        static const MountRow own = {
                MOUNT_NEW, MOUNT_LATE, .attrs = ATTR_API, .fstype = "cgroup2", .dest = "/sys/fs/cgroup",
        };
        static const MountRow shared[] = {
                /* Locked, no part of it could be made writable. */
                { MOUNT_CLONE, MOUNT_UNLOCKED, .attrs = ATTR_API_RO, .source = "/sys/fs/cgroup", .dest = "/sys/fs/cgroup" },
                { MOUNT_BIND, MOUNT_LATE, MOUNT_SOURCE_OWN_CGROUP, .attrs = ATTR_API, .attrs_clear = MOUNT_ATTR_RDONLY,
                  .source = "/sys/fs/cgroup", .dest = "/sys/fs/cgroup" },
        };

        return f->shared_cgroup ? mount_plan_add_rows(p, shared, ARRAY_SIZE(shared)) : mount_plan_add(p, &own, NULL);
}

/* A tmpfs with only the parts of a sysfs that concern devices: the payload sees its network interfaces, but neither
 * firmware nor modules. */
static int plan_sys_parts(const MountFacts *f, uint64_t attrs, MountPlan *p)
{
        static const MountRow staged = {
                MOUNT_NEW, MOUNT_STAGED, .namespace = MOUNT_NAMESPACE_NETWORK, .attrs = ATTR_API, .fstype = "sysfs",
                .dest = "/sys",
        };
        static const char *const parts[] = { "block", "bus", "class", "dev", "devices", "kernel" };
        MountOp *sys;

        if (mount_plan_add(p, &staged, NULL) < 0 ||
            mount_plan_add_tmpfs(p, f, "/sys", attrs | MOUNT_ATTR_STRICTATIME, "mode=0555,size=1m,nr_inodes=64",
                                 &sys) < 0 ||
            mount_plan_add_node(sys, NODE_DIR, "fs", 0755, NULL) < 0 ||
            mount_plan_add_node(sys, NODE_DIR, "fs/cgroup", 0755, NULL) < 0)
                return -ENOMEM;
        for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
                if (mount_plan_add_node(sys, NODE_DIR, parts[i], 0755, NULL) < 0)
                        return -ENOMEM;
        /* Container managers unmount parts of /sys in their own mount namespaces. */
        sys->flags |= MOUNT_UNLOCKED;

        for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
                MountRow row = {
                        MOUNT_BIND, MOUNT_OPTIONAL | MOUNT_UNLOCKED, MOUNT_SOURCE_STAGED, .attrs = attrs, .source = parts[i],
                };
                _cleanup_free_ char *dest = NULL;

                if (strf(&dest, "/sys/%s", parts[i]) < 0)
                        return -ENOMEM;
                row.dest = dest;
                if (mount_plan_add(p, &row, NULL) < 0)
                        return -ENOMEM;
        }
        return 0;
}

/* With the host's network, a whole sysfs, not locked for the same reason as what lies on /proc; with a network of its own,
 * parts of one. udev and others recognize a container by a read-only /sys. */
int mount_plan_sys(const MountFacts *f, MountPlan *p)
{
        uint64_t attrs = f->api_vfs == API_VFS_WRITABLE ? ATTR_API : ATTR_API_RO;
        const MountRow whole = {
                MOUNT_NEW, MOUNT_UNLOCKED, .namespace = MOUNT_NAMESPACE_NETWORK, .attrs = attrs, .fstype = "sysfs",
                .dest = "/sys",
        };
        int r;

        if (f->private_network || f->api_vfs == API_VFS_NETWORK)
                r = plan_sys_parts(f, attrs, p);
        else
                r = mount_plan_add(p, &whole, NULL);
        return r < 0 ? r : plan_cgroup(f, p);
}

/* For containers in the machine that have user namespaces. Without one of its own, the machine's root is the host's, which may
 * mount what it likes, and must not find files such as sysrq-trigger here. */
int mount_plan_nesting(const MountFacts *f, MountPlan *p)
{
        for (size_t i = 0; f->nesting && f->userns && i < ARRAY_SIZE(nesting_mounts); i++)
                if (mount_plan_add(p, &nesting_mounts[i].row, NULL) < 0)
                        return -ENOMEM;
        return 0;
}

int mount_plan_console(const MountFacts *f, MountPlan *p)
{
        /* The console is the machine's first pty: the supervisor opens it before the payload can. */
        static const MountRow row = {
                MOUNT_BIND, .attrs = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, .source = "/dev/pts/0", .dest = "/dev/console",
        };

        return f->console ? mount_plan_add(p, &row, NULL) : 0;
}

/* Not locked: systemd in the machine unmounts it when it shuts down. */
int mount_plan_tmp(const MountFacts *f, MountPlan *p)
{
        MountOp *op;

        if (f->no_tmpfs_tmp)
                return 0;
        if (mount_plan_add_tmpfs(p, f, "/tmp", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_STRICTATIME,
                                 "mode=1777,size=10%,nr_inodes=400k", &op) < 0)
                return -ENOMEM;
        op->flags |= MOUNT_UNLOCKED;
        return 0;
}
