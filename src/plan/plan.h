/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * All actions of a start, decided before the first: --dry-run prints them, the stages carry them out. Made only from
 * settings and facts, so that tests compare it as text without root.
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
#include "security/apparmor.h"
#include "security/limits.h"
#include "security/seccomp.h"
#include "users/bind-user.h"
#include "users/user-namespace.h"

/* Facts of the host, read once before planning. */
typedef struct HostFacts {
        uint8_t machine_id[16];
        char *os_release;               /* the host's, as text, "" */
        DeviceFact *devices;
        size_t n_devices;
        BoundDevice *bound_devices;     /* of Bind= */
        size_t n_bound_devices;
        struct rlimit pid1_nproc, pid1_sigpending;
        rlim_t nr_open;
        char *term;                     /* our $TERM; NULL */
        char *colorterm, *no_color;     /* the same */
        bool stdio_is_tty;
        unsigned n_listen_fds;          /* sockets by socket activation, from descriptor 3 on */
        char *listen_names;             /* their names, colon-separated; NULL: none */
        char boot_id[37];               /* a new one, for the machine */
        EnvironmentOptions environment;
        ApparmorState apparmor;
} HostFacts;

typedef struct Plan {
        char *machine;
        char *hostname;
        char *root;                     /* path on the host of the tree or disk image */
        char *template;                 /* the tree to copy first; NULL: none */
        const DiskLayout *disk;         /* of a disk image; borrowed, NULL */
        const OciSettings *oci;         /* settings that only a bundle has; borrowed, NULL */
        char uuid[37];                  /* dashed */

        StartMode start_mode;
        InitFlavour init;               /* INIT_NONE unless booting */
        int kill_signal;                /* 0: the init's default; a command is killed then */
        uint64_t start_timeout_usec;    /* from execve() until READY=1; then the payload is killed; 0: none */
        uint64_t stop_timeout_usec;     /* from the request until the payload is killed; 0: the unit's */
        bool wait_ready;                /* the payload sends READY=1 */
        ConsoleMode console;            /* never auto or autopipe */

        uint64_t namespaces;            /* CLONE_NEW* of clone3(2) */
        uint64_t late_namespaces;       /* CLONE_NEW* that the child unshares: time, and (in its cgroup) cgroup */
        bool userns;
        bool idmap_tree;
        bool foreign_tree;              /* … from the foreign range (ID_RANGE_FOREIGN) */
        IdMap uid_map, gid_map;         /* equal except for BindUser= */
        BindUser *bind_users;
        size_t n_bind_users;
        uid_t first_id;                 /* id of PID 1 inside: 0, unless that is not mapped */
        uid_t owner;                    /* its id on the host */
        gid_t tty_gid;                  /* group "tty" of the machine, on the host */

        MountPlan mounts;
        TreeEdits edits;
        JournalPlan journal;
        char **credentials;             /* for printing: "NAME, SIZE bytes" */
        NetworkPlan network;
        UnitPlan unit;
        uint64_t caps;
        uint64_t ambient;               /* ambient capabilities, for a payload that is not root */
        bool no_new_privileges;
        char **syscall_allow, **syscall_deny;
        bool suppress_sync;
        uint64_t denied_families;       /* as in SeccompSpec */
        char *selinux_context;          /* NULL: unchanged */
        LimitsPlan limits;

        char *apparmor_profile;         /* for the payload; NULL: none */
        bool apparmor_optional;         /* ignore a failure to apply it */
        char *exec_path;                /* of the init or command; searched in PATH if it has no slash */
        char **argv;
        char **env;
        unsigned n_listen_fds;          /* passed to the payload */
        MachineUser *user;              /* of the payload; NULL: root */
        mode_t umask;
        char *working_directory;        /* NULL: / */
        Source working_directory_from;  /* of a default: / if it cannot be entered */
        char *personality;              /* an architecture that this kernel runs; NULL: unchanged */
} Plan;

int host_facts_read(const Settings *s, HostFacts *ret);
void host_facts_done(HostFacts *f);
void plan_done(Plan *p);

/* Input of plan_make(). range: the machine's ids on the host (base 0 and count 0: no user namespace, an identity map,
 * or IdMap=). image_root and tree: of the machine's tree. disk: of its image, or NULL; outlives the plan. */
typedef struct PlanInput {
        const Settings *settings;
        const HostFacts *host;
        const TreeFacts *tree;
        const HostFiles *host_files;
        const HostUsers *users;         /* of BindUser=; the plan points to them */
        const Credentials *credentials;
        const JournalFacts *journal;    /* for the id of plan_machine_id() */
        const MachineUser *user;        /* the user of User=, or of PID 1 in a machine without root; NULL: not in the
                                           tree, by user_error */
        int user_error;
        const char *machine;
        const char *image_root;
        const char *template;           /* the tree to copy first; NULL: none */
        const DiskLayout *disk;
        uid_t range_base;
        uint32_t range_count;
} PlanInput;
int plan_make(const PlanInput *in, Plan *ret, Problems *problems);

/* The map of IdMap=, and the id of PID 1: 0, or the first id of a map without 0. Pure. */
IdMap plan_written_map(const Settings *s);
uid_t plan_first_id(const Settings *s);

/* The registration with machined: none if the machine shares the host's processes or host name. Pure. */
RegisterMode plan_register_mode(const Settings *s, const EnvironmentOptions *e);

/* Can the payload be asked to shut down? If not, it is killed. */
bool plan_can_ask(const Plan *p);

/* The time that the unit has to wait for the shutdown, with StopTimeoutSec=; 0: its default. */
uint64_t plan_unit_stop_usec(const Plan *p);

/* The machine's id, 32 digits, from settings, facts and names of the input only. */
void plan_machine_id(const PlanInput *in, char ret[static 33]);

/* The machine as the owner of its journal directory; borrowed from the plan. */
JournalMachine plan_journal_machine(const Plan *p);

/* The seccomp part, as seccomp.h needs it; borrows from the plan. */
SeccompSpec plan_seccomp(const Plan *p);

/* Prints all steps in order, for --dry-run. */
int plan_print(const Plan *p, FILE *f);
