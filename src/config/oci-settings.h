/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Settings of an OCI bundle's config.json that have no key in .nspawn files; the others become assignments (oci/oci.h).
 * Pure data, read by the planners.
 */

#include <sys/types.h>

#include "config/source.h"

/* One of linux.devices: a node below /dev. */
typedef struct OciDevice {
        char *path;             /* relative to /dev */
        mode_t mode;            /* with S_IFCHR, S_IFBLK or S_IFIFO */
        unsigned major, minor;
        uint32_t uid, gid;      /* the machine's */
        Source from;
} OciDevice;

/* One of mounts, in their order. */
typedef struct OciMount {
        char *source;           /* absolute, on the host; NULL: a tmpfs */
        char *dest;             /* absolute, in the machine */
        char *options;          /* of a tmpfs, as mount(8) has them; NULL */
        uint64_t attrs;         /* of a bind mount: MOUNT_ATTR_* of mount_setattr(2) */
        bool recursive;
        bool idmap;             /* through the machine's id map */
        bool copy_up;           /* of a tmpfs: begins with the files of the directory that it covers */
        Source from;
} OciMount;

/* A path to mask or make read-only, if it exists. */
typedef struct OciPath {
        char *path;
        Source from;
} OciPath;

/* A file below /proc/sys of the machine's namespaces. */
typedef struct OciSysctl {
        char *path;             /* "net/ipv4/ip_forward" */
        char *value;
        Source from;
} OciSysctl;

typedef enum OciAction {
        OCI_ALLOW,
        OCI_ERRNO,              /* fail with errno `value` */
        OCI_LOG,                /* allow and log */
        OCI_KILL_THREAD,
        OCI_KILL_PROCESS,
        OCI_TRAP,
        OCI_TRACE,              /* notify a tracer, with `value`; without one, ENOSYS */
} OciAction;

typedef enum OciCompare {
        OCI_NE,
        OCI_LT,
        OCI_LE,
        OCI_EQ,
        OCI_GE,
        OCI_GT,
        OCI_MASKED_EQ,          /* argument & value == value_two */
} OciCompare;

/* Of one rule: so a rule's jumps are short. The kernel's system calls have six arguments. */
#define OCI_SECCOMP_ARGS_MAX 32

typedef struct OciSeccompArg {
        unsigned index;         /* 0 to 5 */
        OciCompare op;
        uint64_t value, value_two;
} OciSeccompArg;

typedef struct OciSeccompRule {
        char **names;
        OciAction action;
        unsigned value;
        OciSeccompArg *args;    /* all have to hold */
        size_t n_args;
} OciSeccompRule;

typedef struct OciSeccomp {
        OciAction default_action;
        unsigned default_value;
        char **architectures;   /* "x86_64", in addition to the native one */
        OciSeccompRule *rules;
        size_t n_rules;
        Source from;
} OciSeccomp;

typedef struct OciSettings {
        gid_t *groups;                  /* supplementary groups of the payload's user */
        size_t n_groups;
        int umask;                      /* -1: box's */
        unsigned rows, columns;         /* of the console; 0: those of our terminal */
        uint64_t inheritable;           /* capabilities: process.capabilities.inheritable */
        bool share_ipc, share_pid, share_uts, share_cgroup;     /* namespaces that the bundle does not list */
        OciDevice *devices;
        size_t n_devices;
        OciMount *mounts;
        size_t n_mounts;
        OciPath *masked;
        size_t n_masked;
        OciPath *read_only;
        size_t n_read_only;
        OciSysctl *sysctls;
        size_t n_sysctls;
        OciSeccomp *seccomp;            /* NULL: box's own filter */
} OciSettings;

void oci_settings_init(OciSettings *s);
void oci_settings_done(OciSettings *s);
