/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One machine while box-run has it: what was asked for, what is planned, and a handle on everything that was made for it.
 * Each field belongs to the stage (run/launch.c) that fills it, whose down empties it again.
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

typedef struct Machine {
        Loop loop;
        BusWait wait;                   /* for the bus, in that loop */

        /* prepare: read, nothing changed */
        Assignments switches;           /* until the sources have them */
        SettingsSources sources;
        OciBundle bundle;
        Problems problems;
        bool tell_all;                  /* all that is wrong is wanted, not a start: --check, --json */
        Settings settings;
        char *name;
        char *file_name;                /* under which its files of settings are looked for */
        Image image;                    /* its fd is the tree's root; of a disk image from the stage "image" on */
        HostFacts host;
        TreeFacts tree;
        MachineUser user;               /* User=, where user_error is 0 */
        int user_error;
        HostFiles host_files;
        HostUsers users;
        Credentials credentials;        /* until no other start can be asked of us */
        bool has_facts;                 /* of all of these */

        /* populate */
        Image template;                 /* what the machine's tree has to be copied from first; fd -EBADF: nothing */
        bool populated;                 /* the tree is our copy, and no payload has seen it yet */

        /* lock, ids, plan */
        ImageLock lock;
        LockFile name_lock;
        DiskLayout disk;
        DiskTree disk_tree;
        int disk_fd;                    /* what image.fd was before */
        IdRange range;
        JournalFacts journal;
        Plan plan;
        SeccompProgram seccomp;

        /* scratch */
        MountWork *work;                /* n_work, one for each step of the plan */
        size_t n_work;
        uid_t work_owner;               /* of the machine's root, when it was made */
        bool going_round;               /* the machine reboots within this process: what it wrote there stays */

        /* cgroup */
        Cgroup cgroup;
        char *scope;                    /* unit that we asked systemd for, where there is no machined */

        /* resources */
        const UnitProperty **unit_properties;   /* of settings and plan; their places beside */
        Source *unit_property_from;
        size_t n_unit_properties;
        UnitChange *unit_change;

        /* clone */
        Leader leader;
        int stub_fd;                    /* the program of ProcessTwo='s init */
        int sync_fd;                    /* our end of the channel to the child */
        bool running;                   /* not reaped yet */

        /* network */
        Links links;
        int netns_fd;
        PortForward *ports;             /* NULL: there are none */

        /* registration */
        sd_bus *bus;
        Failure no_bus;                 /* why there is none */
        PendingRegistration *registration;
        PendingScope *pending_scope;
        bool registered;

        /* mounts */
        bool journal_made;              /* what the plan says of the host's journal was, by a start that is not done yet */
        char *incoming;                 /* the host's end of /run/host/incoming, made by us */
        int notify_fd;
        int kmsg_fd;                    /* keeps the payload's /proc/kmsg from hanging up */
        int pty_master;                 /* of /dev/console; -EBADF in pipe mode */

        /* export */
        UnixExport export;

        bool state_written;

        /* supervise */
        bool was_ready;                 /* READY=1 was sent, in this life or an earlier one */
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
 * everything that is wrong was printed and *failure tells the first of it. With tell_all, what is wrong is in m->problems,
 * and only what is beyond settings is a failure; name or image are missing then where they could not be found. */
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
