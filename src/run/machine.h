/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One machine while box-run has it: what was asked for, what is planned, and a handle on everything that was created for it. A
 * struct for each stage (run/launch.c) that has such handles: its up fills it, its down empties it again.
 */

#include <sys/types.h>
#include <systemd/sd-bus.h>

#include "bus/machined.h"
#include "bus/unit-change.h"
#include "config/settings-source.h"
#include "config/settings.h"
#include "disk/disk-mount.h"
#include "image/image.h"
#include "image/passwd.h"
#include "image/tree-facts.h"
#include "mount/mount-work.h"
#include "mount/unix-export.h"
#include "net/link.h"
#include "net/port-forward.h"
#include "oci/oci.h"
#include "payload/cgroup.h"
#include "payload/enter.h"
#include "plan/plan.h"
#include "run/loop.h"
#include "security/seccomp.h"
#include "users/id-range.h"
#include "util/lock-file.h"

/* prepare: what was asked for, read without a change. */
typedef struct MachineRequest {
        Assignments switches;           /* until the sources have them */
        SettingsSources sources;
        OciBundle bundle;
        Problems problems;
        bool collect_problems;          /* all of them are wanted, not a start: --check, --json */
        char *file_name;                /* under which its files of settings are looked for */
} MachineRequest;
#define MACHINE_REQUEST_NULL { .bundle = OCI_BUNDLE_NULL }

/* prepare, or the stage "image": what is known of the host and of the tree. */
typedef struct MachineFacts {
        HostFacts host;
        TreeFacts tree;
        MachineUser user;               /* User=, where user_error is 0 */
        int user_error;
        HostFiles host_files;
        HostUsers users;
        bool valid;                     /* all of these but host */
} MachineFacts;

/* populate */
typedef struct MachineTemplate {
        Image image;                    /* copied to be the machine's tree first; fd -EBADF: nothing is */
        bool copied;                    /* the tree is our copy, and no payload has seen it yet */
} MachineTemplate;
#define MACHINE_TEMPLATE_NULL { .image = { .fd = -EBADF } }

/* lock, name */
typedef struct MachineLocks {
        ImageLock tree;
        LockFile name;
} MachineLocks;
#define MACHINE_LOCKS_NULL { IMAGE_LOCK_NULL, LOCK_FILE_NULL }

/* image */
typedef struct MachineDisk {
        DiskLayout layout;
        DiskTree tree;
        int image_fd;                   /* what the machine's image.fd was before */
} MachineDisk;
#define MACHINE_DISK_NULL { .tree = DISK_TREE_NULL, .image_fd = -EBADF }

/* scratch */
typedef struct MachineWork {
        MountWork *items;               /* one for each step of the plan */
        size_t n;
        uid_t owner;                    /* the machine's root, when it was created */
} MachineWork;

/* resources: properties of settings and plan, and where each comes from. */
typedef struct MachineUnit {
        const UnitProperty **properties;
        Source *from;
        size_t n;
        UnitChange *change;
} MachineUnit;

/* clone */
typedef struct MachineChild {
        Leader leader;
        int stub_fd;                    /* the program of ProcessTwo='s init */
        int sync_fd;                    /* our end of the channel to the child */
        bool running;                   /* not reaped yet */
} MachineChild;
#define MACHINE_CHILD_NULL { LEADER_NULL, -EBADF, -EBADF, false }

/* network, ports */
typedef struct MachineNetwork {
        Links links;
        int netns_fd;
        PortForward *ports;             /* NULL: there are none */
} MachineNetwork;
#define MACHINE_NETWORK_NULL { LINKS_NULL, -EBADF, NULL }

/* bus, announce, register */
typedef struct MachineRegistered {
        sd_bus *bus;
        Failure bus_failure;            /* why there is no bus */
        PendingRegistration *pending;
        PendingScope *pending_scope;
        char *scope;                    /* unit that we asked systemd for, where there is no machined */
        bool registered;
} MachineRegistered;

/* mounts */
typedef struct MachineMounts {
        bool journal_created;           /* the host's journal directory, by a start that is not done yet */
        char *incoming;                 /* the host's end of /run/host/incoming, created by us */
        int notify_fd;
        int kmsg_fd;                    /* keeps the payload's /proc/kmsg from hanging up */
        int pty_master;                 /* of /dev/console; -EBADF in pipe mode */
} MachineMounts;
#define MACHINE_MOUNTS_NULL { false, NULL, -EBADF, -EBADF, -EBADF }

typedef struct Machine {
        Loop loop;
        BusWait wait;                   /* for the bus, in that loop */
        MachineRequest request;
        Settings settings;
        char *name;
        Image image;                    /* its fd is the tree's root; of a disk image from the stage "image" on */
        Credentials credentials;        /* until no other start can be asked of us */
        MachineFacts facts;
        MachineLocks locks;
        MachineDisk disk;
        IdRange range;                  /* ids */
        JournalFacts journal;           /* plan */
        Plan plan;
        SeccompProgram seccomp;
        MachineTemplate template;
        MachineWork work;
        Cgroup cgroup;
        MachineUnit unit;
        MachineChild child;
        MachineNetwork network;
        MachineRegistered registration;
        MachineMounts mounts;
        UnixExport export;
        bool state_written;             /* execute */
        bool was_ready;                 /* supervise: READY=1 was sent, in this life or an earlier one */
        bool rebooting;                 /* within this process: what it wrote to scratch directories stays */
} Machine;

/* run/machine.c. */
void machine_init(Machine *m);
void machine_done(Machine *m);

/* Only decides and prints (--dry-run, --check, --json). */
bool machine_is_dry(const Machine *m);

/* Nothing is written to the disk image, so that others may have it at the same time. */
bool machine_disk_is_read_only(const Machine *m);

/* Reads, and drops, what is known of the tree: os-release, init, users. */
int machine_read_tree(Machine *m, Problems *problems, Failure *failure);
void machine_forget_tree(Machine *m);

/* The directory that is to be the machine's "/", O_PATH: the tree, or what PivotRoot= names in it. */
int machine_open_root(const Machine *m, Failure *failure);

/* The system bus, attached to the loop. 1; negative where there is none. */
int machine_open_bus(Machine *m, Failure *failure);

/* run/prepare.c: from a command line to settings and facts. 0; 1: nothing to start (--help, --version); negative after
 * all problems were printed, with the first of them in *failure. With collect_problems, they are in m->request.problems, only
 * what is beyond settings is a failure, and name or image are missing where they could not be found. */
int machine_prepare(Machine *m, int argc, char *const argv[], Failure *failure);

/* run/find-bundle.c: an OCI bundle's tree, and what else it says. */
int machine_find_bundle(Machine *m, const char *directory, Failure *failure);

/* run/find-tree.c: the machine's name and its tree, by the switches. */
int machine_find_tree(Machine *m, Failure *failure);
/* run/launch.c: all stages up, or (on a failure) none. */
int machine_up(Machine *m, Failure *failure);
void machine_down(Machine *m);

/* run/dry-run.c: decides and prints, and changes nothing. The exit status, or negative after a failure. */
int machine_dry_run(Machine *m, Failure *failure);

/* run/stage-execute.c: gives up what is no longer needed once no other start can be asked of us: within a unit, which makes
 * a new supervisor for a machine that reboots, as soon as the machine is ready. */
int machine_reduce_privileges(Machine *m, Failure *failure);

/* run/supervise.c: until the machine is down. */
typedef enum MachineEnd {
        MACHINE_EXITED,         /* *ret_status is the payload's exit status */
        MACHINE_INIT_EXITED,    /* the same, of an init that was to shut down instead, and was not asked to */
        MACHINE_SHUT_DOWN,      /* power-off or halt by reboot(2) */
        MACHINE_REBOOT,
        MACHINE_KILLED,         /* by another signal: *ret_status is its number */
} MachineEnd;
int machine_supervise(Machine *m, MachineEnd *ret, int *ret_status, Failure *failure);
