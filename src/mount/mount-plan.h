/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A machine's mounts as an ordered list of steps: pure data, made from settings and facts, printed by --dry-run, done by
 * mount-make.c (the supervisor: whatever needs the host's privilege) and mount-attach.c (the child: everything else).
 */

#include <stdio.h>
#include <sys/types.h>

#include "config/environment.h"
#include "config/problem.h"
#include "config/settings.h"
#include "disk/disk-layout.h"
#include "users/user-namespace.h"

typedef enum MountKind {
        MOUNT_CLONE,             /* supervisor: a copy of a mount of the host, detached, attributes and id map set */
        MOUNT_NEW,              /* supervisor: a new file system that the machine could not make, or not fill, itself */
        MOUNT_NEW_IN_CHILD,           /* child: a new file system of its own namespaces */
        MOUNT_BIND,             /* child: a place of the machine, bound to another */
        MOUNT_OVERLAY,          /* supervisor: several directories as one */
        _MOUNT_KIND_MAX,
} MountKind;

/* What fills a new file system before anybody sees it. Paths are relative to its root. */
typedef enum NodeKind {
        NODE_DIR,
        NODE_FILE,              /* text is its content; NULL: empty */
        NODE_LINK,              /* text is its target */
        NODE_FIFO,
        NODE_SOCK,
        NODE_DEVICE,            /* device number rdev, S_IFCHR or S_IFBLK in mode */
} NodeKind;

typedef struct NodeOp {
        NodeKind kind;
        bool optional;          /* one that the host may refuse to make (device policy) */
        bool secret;            /* a file whose text is not to be told */
        mode_t mode;
        dev_t rdev;
        char *path;
        char *text;
        bool has_owner;         /* else it is the machine's root's */
        uid_t uid;              /* on the host */
        gid_t gid;
} NodeOp;

typedef enum MountFlags {
        MOUNT_RECURSIVE = 1 << 0,       /* with what is mounted below the source */
        MOUNT_IDMAP = 1 << 1,           /* through the machine's id map */
        MOUNT_OPTIONAL = 1 << 2,        /* nothing is lost where source or destination do not exist, or there is no id map */
        MOUNT_SLAVE = 1 << 3,           /* receives what is mounted on the source later on */
        MOUNT_NETNS = 1 << 4,           /* made with the machine's network namespace in force (sysfs) */
        MOUNT_PIDNS = 1 << 5,           /* … PID namespace (proc) */
        MOUNT_STAGED = 1 << 6,          /* put where only the child sees it, until it is done: source of MOUNT_BINDs */
        MOUNT_FROM_STAGE = 1 << 7,      /* the source is relative to the staged mount */
        MOUNT_IN_TREE = 1 << 8,         /* MOUNT_CLONE: the source is a path in the machine's tree */
        MOUNT_MASK = 1 << 9,           /* MOUNT_BIND: the source is an empty, inaccessible node like the destination */
        MOUNT_ROOTIDMAP = 1 << 11,      /* MOUNT_CLONE: the source's owner is the machine's root */
        MOUNT_OWNERIDMAP = 1 << 12,     /* … is who owns the destination */
        MOUNT_OWN_CGROUP = 1 << 20,     /* MOUNT_BIND, late: of the machine's cgroup below source, to the same below dest */
        MOUNT_LATE = 1 << 10,           /* after registration, when the cgroup namespace is there */
        MOUNT_EXPORT = 1 << 17,         /* MOUNT_NEW: the host gets a mount of it too */
        MOUNT_ON_LINK = 1 << 18,        /* where the destination is a symbolic link, on that, not on what it leads to */
        MOUNT_CREATE_DEST = 1 << 19,          /* MOUNT_OPTIONAL, but a place to mount on is made, if one can be */
        /* Of a step's source, and of an overlay's layer: */
        MOUNT_WHOLE_TREE = 1 << 13,     /* the machine's tree itself; the source's path is for people */
        MOUNT_SCRATCH = 1 << 14,        /* a directory that is made for the machine, and removed at its end */
        MOUNT_OLD_ROOT = 1 << 22,       /* of MOUNT_WHOLE_TREE and _IN_TREE: what PivotRoot= has made another directory "/" of */
        MOUNT_BESIDE_TREE = 1 << 21,    /* … beside the machine's tree, or the disk image that it is in */
        MOUNT_MEMORY = 1 << 15,         /* a new tmpfs, with the step's options */
        /* Of an overlay: */
        MOUNT_TOP_WRITABLE = 1 << 16,   /* its last layer takes what is written */
} MountFlags;

typedef struct LayerOp {
        unsigned flags;         /* MOUNT_IDMAP, MOUNT_IN_TREE, and those of a layer above */
        char *source;           /* NULL for MOUNT_SCRATCH and MOUNT_MEMORY */
} LayerOp;

typedef struct MountOp {
        MountKind kind;
        unsigned flags;
        uint64_t attrs;         /* MOUNT_ATTR_* of mount_setattr(2) that are set */
        uint64_t attrs_clear;
        char *fstype;
        char *source;
        char *dest;             /* absolute, in the machine; "/" is the first step */
        char *options;          /* key=value,… of fsconfig(2) */
        char *context;          /* its option of that name, an SELinux context, which may have commas; NULL: none */
        NodeOp *nodes;          /* MOUNT_CLONE on "/": what it is given where it has nothing of that name */
        size_t n_nodes;
        LayerOp *layers;        /* MOUNT_OVERLAY: the lowest first */
        size_t n_layers;
        Source from;            /* the setting it comes from; a default: box itself */
} MountOp;

typedef struct MountPlan {
        MountOp *ops;
        size_t n;
        bool read_only_root;
} MountPlan;

/* What the plan depends on beside the settings. */
typedef struct MountFacts {
        const char *machine;
        const char *root;               /* the tree's path on the host, or its disk image's, with PivotRoot='s directory */
        const char *image;              /* without that */
        const DiskLayout *disk;         /* of a disk image, or NULL */
        const char *const *usr_links;   /* the tree's links into /usr, "bin=usr/bin"; NULL-terminated */
        bool split_usr;                 /* its programs lie outside of /usr as well */
        bool userns;
        bool idmap_tree;                /* the tree's owners are 0…: mapped; else they are the range already */
        uid_t base;                     /* host id of the machine's root */
        const IdMap *uid_map, *gid_map; /* the machine's; without a user namespace NULL */
        gid_t tty_gid;                  /* … of its group tty */
        bool private_network;
        bool console;                   /* a pty is /dev/console */
        bool shared_pid;                /* the host's namespaces, not ones of its own */
        bool shared_ipc;
        bool shared_cgroup;
        ApiVfs api_vfs;
        bool no_tmpfs_tmp;
        const char *uuid;               /* dashed, for /run/host/container-uuid */
        const char *boot_id;            /* dashed, random */
        const char *manager;            /* value of $container */
        const char *host_os_release;    /* text of the host's */
        bool credentials;               /* there are some */
        const struct BindUser *bind_users;
        size_t n_bind_users;
        const struct DeviceFact *devices;
        size_t n_devices;
} MountFacts;

/* A device of the host that machines have too. */
typedef struct DeviceFact {
        const char *name;               /* below /dev */
        dev_t rdev;
        bool optional;
} DeviceFact;

void mount_plan_done(MountPlan *p);

/* The step with this destination (the last such), or NULL. */
MountOp *mount_plan_find(const MountPlan *p, const char *dest);
int mount_plan_make(const Settings *s, const MountFacts *f, MountPlan *ret, Problems *problems);
/* The step whose file system the destination of step i lies in; 0 for "/". */
size_t mount_plan_below(const MountPlan *p, size_t i);

int mount_plan_print(const MountPlan *p, FILE *f);

/* Attributes and flags as words, "ro nosuid idmapped", to be freed; NULL without memory. */
char *mount_op_attributes(const MountOp *op);
const char *node_kind_name(NodeKind kind);
