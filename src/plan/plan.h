/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * All that a start will do, decided before anything is done: what --dry-run prints and the stages carry out. Made from
 * settings and facts alone, so that it can be compared as text without root.
 */

#include <stdio.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "config/environment.h"
#include "config/problem.h"
#include "config/settings.h"
#include "disk/disk-layout.h"
#include "image/passwd.h"
#include "image/tree-facts.h"
#include "mount/mount-plan.h"
#include "mount/tree-edit.h"
#include "net/network-plan.h"
#include "payload/credential.h"
#include "plan/host-files.h"
#include "plan/journal-plan.h"
#include "plan/unit-plan.h"
#include "security/limits.h"
#include "security/seccomp.h"
#include "users/bind-user.h"
#include "users/user-namespace.h"

/* What is read of the host once, before planning. */
typedef struct HostFacts {
        uint8_t machine_id[16];
        char *os_release;               /* the host's, as text, "" */
        DeviceFact *devices;
        size_t n_devices;
        BoundDevice *bound_devices;     /* of the settings' Bind= */
        size_t n_bound_devices;
        struct rlimit pid1_nproc, pid1_sigpending;
        rlim_t nr_open;
        char *term;                     /* our $TERM; NULL */
        bool stdio_is_tty;
        unsigned n_listen_fds;          /* sockets that our service manager passed us, from descriptor 3 on */
        char *listen_names;             /* theirs, colon-separated; NULL: none */
        char boot_id[37];               /* a fresh one, for the machine */
        EnvironmentOptions environment;
} HostFacts;

typedef struct Plan {
        char *machine;
        char *hostname;
        char *root;                     /* the tree, on the host, or the disk image that it is in */
        char *template;                 /* NULL, or what it is copied from first */
        const DiskLayout *disk;         /* of a disk image; borrowed, NULL */
        const OciSettings *oci;         /* what only a bundle says; borrowed, NULL */
        char uuid[37];                  /* dashed */

        StartMode start_mode;
        InitFlavour init;               /* INIT_NONE unless booting */
        int kill_signal;                /* 0: the init's own way; a command without one is killed */
        uint64_t stop_timeout_usec;     /* until a payload that was asked is killed; 0: that is the unit's */
        bool wait_ready;                /* READY=1 comes from the payload */
        ConsoleMode console;            /* resolved: never auto or autopipe */

        uint64_t namespaces;            /* CLONE_NEW* of clone3(2) */
        uint64_t late_namespaces;       /* CLONE_NEW* that the child makes itself: time, and (in its cgroup) cgroup */
        bool userns;
        bool idmap_tree;
        IdMap uid_map, gid_map;         /* the same, but for BindUser= */
        BindUser *bind_users;
        size_t n_bind_users;
        uid_t first_id;                 /* who PID 1 begins as, inside: 0, unless that is in no map */
        uid_t owner;                    /* who that is on the host */
        gid_t tty_gid;                  /* group "tty" of the machine, on the host */

        MountPlan mounts;
        TreeEdits edits;
        JournalPlan journal;
        char **credentials;             /* for people: "NAME, SIZE bytes" */
        NetworkPlan network;
        UnitPlan unit;
        uint64_t caps;
        uint64_t ambient;               /* those that a payload has though it is not root */
        bool no_new_privileges;
        char **syscall_allow, **syscall_deny;
        bool suppress_sync;
        char *selinux_context;          /* NULL: unchanged */
        LimitsPlan limits;

        char *apparmor_profile;         /* to execute under; NULL: none */
        bool apparmor_optional;         /* … or not, where that fails */
        char *exec_path;                /* of init, or the command; looked for in PATH where it has no slash */
        char **argv;
        char **env;
        unsigned n_listen_fds;          /* that the payload gets */
        MachineUser *user;              /* whom the payload runs as; NULL: root */
        mode_t umask;
        char *working_directory;        /* NULL: / */
        Source working_directory_from;  /* a default: / where it cannot be entered */
        char *personality;              /* an architecture that this kernel runs; NULL: unchanged */
} Plan;

int host_facts_read(const Settings *s, HostFacts *ret);
void host_facts_done(HostFacts *f);
void plan_done(Plan *p);

/* range: where the machine's ids lie (base 0 and count 0: no user namespace, an identity map, one of IdMap=). image_root
 * and tree: of the machine's tree; disk: of the image that holds it, or NULL, and outlives the plan. All that is wrong goes
 * to problems; -ENOMEM is the only failure. */
typedef struct PlanInput {
        const Settings *settings;
        const HostFacts *host;
        const TreeFacts *tree;
        const HostFiles *host_files;
        const HostUsers *users;         /* of BindUser=; the plan points to them */
        const Credentials *credentials;
        const JournalFacts *journal;    /* of the id that plan_machine_id() gives */
        const MachineUser *user;        /* whom User= names, or who begins in place of root; NULL: nobody of the tree, because
                                           of user_error */
        int user_error;
        const char *machine;
        const char *image_root;
        const char *template;           /* what the tree has to be copied from first; NULL: it is there */
        const DiskLayout *disk;
        uid_t range_base;
        uint32_t range_count;
} PlanInput;
int plan_make(const PlanInput *in, Plan *ret, Problems *problems);

/* IdMap='s lines; and who begins in a machine where they leave out root: the first id (0: they do not). Pure. */
IdMap plan_written_map(const Settings *s);
uid_t plan_first_id(const Settings *s);

/* Whether to register with machined: not a machine that has the host's processes or the host's name. Pure. */
RegisterMode plan_register_mode(const Settings *s, const EnvironmentOptions *e);

/* Can the payload be asked to go down, or only be killed? */
bool plan_can_ask(const Plan *p);

/* How long the unit has to wait for a machine that goes down, where StopTimeoutSec= says how long that may take; 0: it does
 * not. */
uint64_t plan_unit_stop_usec(const Plan *p);

/* The machine's id: 32 digits. Of the input's settings, facts and names only. */
void plan_machine_id(const PlanInput *in, char ret[static 33]);

/* The seccomp part in the form that seccomp.h takes; borrows from the plan. */
SeccompSpec plan_seccomp(const Plan *p);

/* Every step in order, for people: --dry-run. */
int plan_print(const Plan *p, FILE *f);
