/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A machine's mounts as an ordered list of steps: pure data, made from settings and facts and printed by --dry-run.
 * mount-make.c makes their mounts, mount-attach.c attaches them.
 */

#include <stdio.h>
#include <sys/types.h>

#include "config/environment.h"
#include "config/problem.h"
#include "config/settings.h"
#include "disk/disk-layout.h"
#include "users/user-namespace.h"

typedef enum MountKind {
        MOUNT_CLONE,            /* a clone of a mount of the host, with its own attributes and id map */
        MOUNT_NEW,              /* a new file system */
        MOUNT_BIND,             /* a bind mount of a path in the machine */
        MOUNT_OVERLAY,          /* an overlay */
        _MOUNT_KIND_MAX,
} MountKind;

/* Content of a new file system. Paths are relative to its root. */
typedef enum NodeKind {
        NODE_DIR,
        NODE_FILE,              /* with text as its content; NULL: empty */
        NODE_LINK,              /* with text as its target */
        NODE_FIFO,
        NODE_SOCK,
        NODE_DEVICE,            /* device number rdev, S_IFCHR or S_IFBLK in mode */
} NodeKind;

typedef struct NodeOp {
        NodeKind kind;
        bool optional;          /* skipped where it cannot be created (device policy) */
        bool secret;            /* the text is not printed */
        mode_t mode;
        dev_t rdev;
        char *path;
        char *text;
        bool has_owner;         /* else the machine's root owns it */
        uid_t uid;              /* on the host */
        gid_t gid;
} NodeOp;

/* The source of a mount. The default is for steps that create a file system or an overlay, too: they have no source. */
typedef enum MountSourceKind {
        MOUNT_SOURCE_PATH,              /* source, on the host; of a MOUNT_BIND, in the machine */
        MOUNT_SOURCE_IN_TREE,           /* source, in the directory of the tree that is the machine's "/" */
        MOUNT_SOURCE_IN_OLD_ROOT,       /* source, in the whole tree, where PivotRoot= makes a directory of it "/" */
        MOUNT_SOURCE_TREE,              /* the directory that is the machine's "/"; source is for messages */
        MOUNT_SOURCE_OLD_ROOT,          /* the whole tree; source is for messages */
        MOUNT_SOURCE_SCRATCH,           /* a new directory, removed at the machine's end */
        MOUNT_SOURCE_BESIDE_TREE,       /* the same, in the directory that has the tree or its disk image */
        MOUNT_SOURCE_MEMORY,            /* a layer: a new tmpfs, with the step's options */
        MOUNT_SOURCE_STAGED,            /* MOUNT_BIND: source, in the staged mount */
        MOUNT_SOURCE_MASK,              /* MOUNT_BIND: an empty, inaccessible node of the destination's type */
        MOUNT_SOURCE_OWN_CGROUP,        /* MOUNT_BIND: the machine's cgroup below source, on the same one below dest */
} MountSourceKind;

typedef enum MountIdMap {
        MOUNT_IDMAP_NONE,
        MOUNT_IDMAP_MACHINE,            /* the machine's id map */
        MOUNT_IDMAP_FOREIGN,            /* the same for owners of the foreign range (ID_RANGE_FOREIGN) */
        MOUNT_IDMAP_ROOT,               /* the source's owner is the machine's root */
        MOUNT_IDMAP_OWNER,              /* … the destination's owner */
} MountIdMap;

/* MOUNT_NEW: the machine's namespace that the file system shows. */
typedef enum MountNamespace {
        MOUNT_NAMESPACE_NONE,
        MOUNT_NAMESPACE_NETWORK,        /* sysfs */
        MOUNT_NAMESPACE_PID,            /* proc */
        MOUNT_NAMESPACE_IPC,            /* mqueue */
        _MOUNT_NAMESPACE_MAX,
} MountNamespace;

typedef enum MountFlags {
        MOUNT_RECURSIVE = 1 << 0,       /* with all mounts below the source */
        MOUNT_OPTIONAL = 1 << 1,        /* skipped where source or destination is missing, or an id map is not possible */
        MOUNT_CREATE_DEST = 1 << 2,     /* MOUNT_OPTIONAL, but a missing destination is created if possible; skipped also where
                                         * the machine has something else there */
        MOUNT_ON_LINK = 1 << 3,         /* MOUNT_OPTIONAL: a destination that is a symbolic link is not followed */
        MOUNT_SLAVE = 1 << 4,           /* receives later mounts on the source */
        MOUNT_STAGED = 1 << 5,          /* attached where no payload sees it, as a source of later MOUNT_BINDs */
        MOUNT_LATE = 1 << 6,            /* by the child, after registration, when it has its cgroup namespace */
        MOUNT_EXPORT = 1 << 7,          /* MOUNT_NEW: mounted on the host as well */
        MOUNT_TOP_WRITABLE = 1 << 8,    /* MOUNT_OVERLAY: the last layer is writable */
        MOUNT_UNLOCKED = 1 << 9,        /* attached after the other steps, such that root of the machine can undo it */
        MOUNT_IF_SOURCE = 1 << 10,      /* skipped where the source, or a layer that is optional, is missing */
} MountFlags;

typedef struct LayerOp {
        MountSourceKind source_kind;
        MountIdMap id_map;
        bool optional;
        char *source;           /* NULL where the kind needs none */
} LayerOp;

typedef struct MountOp {
        MountKind kind;
        unsigned flags;
        MountSourceKind source_kind;
        MountIdMap id_map;
        MountNamespace namespace;
        uint64_t attrs;         /* MOUNT_ATTR_* of mount_setattr(2) to set */
        uint64_t attrs_clear;
        char *fstype;
        char *source;
        char *dest;             /* absolute, in the machine; "/" is the first step */
        char *options;          /* key=value,… of fsconfig(2) */
        char *context;          /* an SELinux context for fsconfig(2), apart because it may have commas; NULL: none */
        NodeOp *nodes;          /* of MOUNT_NEW; of MOUNT_CLONE on "/": created where missing */
        size_t n_nodes;
        LayerOp *layers;        /* of MOUNT_OVERLAY, lowest first */
        size_t n_layers;
        Source from;            /* the setting it comes from; empty for a default */
} MountOp;

typedef struct MountPlan {
        MountOp *ops;
        size_t n;
        bool read_only_root;
} MountPlan;

/* Input of the plan beside the settings. */
typedef struct MountFacts {
        const char *machine;
        const char *root;               /* the tree's path on the host, or its disk image's, with PivotRoot='s directory */
        const char *image;              /* without that */
        const DiskLayout *disk;         /* of a disk image, or NULL */
        const char *const *usr_links;   /* the tree's links into /usr, "bin=usr/bin"; NULL-terminated */
        bool split_usr;                 /* it has programs outside of /usr */
        bool userns;
        bool idmap_tree;                /* owners in the tree are 0…, to be mapped; else they are the machine's host ids */
        bool foreign_tree;              /* … or, to be mapped too, those of the foreign range */
        uid_t base;                     /* host id of the machine's root */
        const IdMap *uid_map, *gid_map; /* the machine's; without a user namespace NULL */
        gid_t tty_gid;                  /* host id of its group tty */
        bool private_network;
        bool nesting;
        bool console;                   /* a pty is /dev/console */
        bool shared_pid;                /* the machine is in the host's namespace */
        bool shared_ipc;
        bool shared_cgroup;
        ApiVfs api_vfs;
        bool no_tmpfs_tmp;
        const char *uuid;               /* dashed, for /run/host/container-uuid */
        const char *boot_id;            /* dashed, random */
        const char *manager;            /* value of $container */
        const char *host_os_release;    /* content of the host's os-release */
        bool credentials;               /* the machine has some */
        const struct BindUser *bind_users;
        size_t n_bind_users;
        const struct DeviceFact *devices;
        size_t n_devices;
        const struct BoundDevice *bound_devices;
        size_t n_bound_devices;
} MountFacts;

/* A device of the host that machines have as well. */
typedef struct DeviceFact {
        const char *name;               /* below /dev */
        dev_t rdev;
        bool optional;
} DeviceFact;

/* A device node of the host that is bound into the machine. */
typedef struct BoundDevice {
        const char *path;               /* the BindSetting's source: borrowed */
        bool block;
        dev_t device;
} BoundDevice;

void mount_plan_done(MountPlan *p);

/* The step with this destination (the last such), or NULL. */
MountOp *mount_plan_find(const MountPlan *p, const char *dest);
int mount_plan_make(const Settings *s, const MountFacts *f, MountPlan *ret, Problems *problems);
/* Once the plan has all its steps: with a user namespace, locks them and forbids devices. */
void mount_plan_settle(const MountFacts *f, MountPlan *p);
/* The step whose file system the destination of step i lies in; 0 for "/". */
size_t mount_plan_below(const MountPlan *p, size_t i);

/* Of the first n steps, the one whose file system has this path of the machine; its destination may be the path itself. */
size_t mount_plan_holding(const MountPlan *p, size_t n, const char *path);

int mount_plan_print(const MountPlan *p, FILE *f);

/* The source is a path in the machine's tree. */
bool mount_source_is_in_tree(MountSourceKind kind);
/* The source is a directory that mount-work.c creates. */
bool mount_source_is_scratch(MountSourceKind kind);

/* Attributes and flags as words, "ro nosuid idmapped", to be freed; NULL without memory. */
char *mount_op_attributes(const MountOp *op);
const char *node_kind_name(NodeKind kind);
