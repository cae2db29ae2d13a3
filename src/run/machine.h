/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A machine in its supervisor: the request, the plan, and handles of everything that was created for it. One struct for each
 * stage (run/launch.c) with handles: its up fills the struct, its down clears it.
 */

#include <sys/types.h>

#include "bus/machined.h"
#include "bus/unit-change.h"
#include "config/settings-source.h"
#include "config/settings.h"
#include "control/client.h"
#include "disk/disk-mount.h"
#include "image/image.h"
#include "image/passwd.h"
#include "image/tree-facts.h"
#include "live/live-settings.h"
#include "mount/mount-source.h"
#include "mount/mount-work.h"
#include "mount/unix-export.h"
#include "net/link.h"
#include "net/port-forward.h"
#include "oci/oci.h"
#include "payload/cgroup.h"
#include "payload/console-ring.h"
#include "payload/enter.h"
#include "plan/plan.h"
#include "run/loop.h"
#include "run/steps.h"
#include "security/seccomp.h"
#include "users/id-range.h"
#include "util/libsystemd.h"
#include "util/lock-file.h"

/* prepare */
typedef struct MachineRequest {
        Assignments switches;           /* moved to sources when they are read */
        SettingsSources sources;
        OciBundle bundle;
        Problems problems;
        bool collect_problems;          /* --check, --json: report all problems, start nothing */
        char *file_name;                /* the NAME of NAME.nspawn */
} MachineRequest;
#define MACHINE_REQUEST_NULL { .bundle = OCI_BUNDLE_NULL }

/* prepare, or the stage "image": facts of the host and of the tree. */
typedef struct MachineFacts {
        HostFacts host;
        TreeFacts tree;
        MachineUser user;               /* User=, where user_error is 0 */
        int user_error;
        HostFiles host_files;
        HostUsers users;
        bool valid;                     /* all but host were read */
} MachineFacts;

/* populate */
typedef struct MachineTemplate {
        Image image;                    /* to copy to the machine's tree; fd -EBADF: none */
        bool copied;                    /* the tree is our copy, and no payload has run in it */
} MachineTemplate;
#define MACHINE_TEMPLATE_NULL { .image = { .fd = -EBADF } }

/* lock, name */
typedef struct MachineLocks {
        ImageLock tree;
        LockFile name;
        LockFile journal;               /* plan */
} MachineLocks;
#define MACHINE_LOCKS_NULL { IMAGE_LOCK_NULL, LOCK_FILE_NULL, LOCK_FILE_NULL }

/* image */
typedef struct MachineDisk {
        DiskLayout layout;
        DiskTree tree;
        int image_fd;                   /* of the disk image, while image.fd is the tree */
} MachineDisk;
#define MACHINE_DISK_NULL { .tree = DISK_TREE_NULL, .image_fd = -EBADF }

/* scratch */
typedef struct MachineWork {
        MountWork *items;               /* one for each mount of the plan */
        size_t n;
        uid_t owner;                    /* the machine's root, when it was created */
        bool kept;                      /* by the keeper, over a reboot */
} MachineWork;

/* resources: the unit's properties, and where each was set. */
typedef struct MachineUnit {
        const UnitProperty **properties;
        Source *from;
        size_t n;
        UnitChange *change;
} MachineUnit;

/* clone */
typedef struct MachineChild {
        Leader leader;
        int stub_fd;                    /* the stub init's program, for ProcessTwo= */
        int execute_fd;                 /* the program that executes the payload; -EBADF: box-run */
        int sync_fd;                    /* our end of the channel to the child */
        int journal_fd;                 /* a stream to the journal for what the machine prints; -EBADF: it goes elsewhere */
        bool running;                   /* not reaped yet */
} MachineChild;
#define MACHINE_CHILD_NULL { LEADER_NULL, -EBADF, -EBADF, -EBADF, -EBADF, false }

/* network, ports */
typedef struct MachineNetwork {
        Links links;
        int netns_fd;
        PortForward *ports;             /* NULL: there are none */
} MachineNetwork;
#define MACHINE_NETWORK_NULL { LINKS_NULL, -EBADF, NULL }

/* bus, register-begin, register-wait */
typedef struct MachineRegistered {
        sd_bus *bus;
        Failure bus_failure;            /* why bus is NULL */
        PendingRegistration *pending;
        ControlClient *varlink;         /* it was asked by Varlink, and has not answered */
        bool by_bus;                    /* Varlink has failed */
        PendingScope *pending_scope;
        char *scope;                    /* unit requested from systemd, without machined */
        bool registered;
        unsigned again;                 /* how often it was asked once more, because the bus was restarted */
} MachineRegistered;

/* mounts-begin, mounts */
typedef struct MachineMounts {
        MountMakeContext make;          /* its tree_fd, outer_fd and userns_fd are ours, until the mounts are attached */
        bool journal_created;           /* the host's journal directory; reset once the payload runs */
        char *incoming;                 /* the host's directory behind /run/host/incoming */
        int notify_fd;
        int kmsg_fd;                    /* the writer of the machine's /proc/kmsg, a FIFO */
        int pty_master;                 /* of /dev/console; -EBADF in pipe mode */
        ConsoleRing console_ring;       /* what it has said */
} MachineMounts;
#define MACHINE_MOUNTS_NULL { MOUNT_MAKE_CONTEXT_NULL, false, NULL, -EBADF, -EBADF, -EBADF, CONSOLE_RING_NULL }

/* execute; see run/keeper.h */
typedef struct MachineKeeper {
        pid_t pid;                      /* 0: there is none */
        int fd;                         /* requests and answers; -EBADF in the keeper */
        int supervisor_fd;              /* the other end, in the keeper */
        int relay_fd;                   /* from the supervisors of other rounds, for the service manager */
        char relay_name[16];            /* its name for $NOTIFY_SOCKET; "": none */
        bool restarts;                  /* the machine, if the payload reboots */
        bool is_round;                  /* this process is the supervisor of another round */
        bool took_over;                 /* this process has no handles left */
} MachineKeeper;
#define MACHINE_KEEPER_NULL { .fd = -EBADF, .supervisor_fd = -EBADF, .relay_fd = -EBADF }

/* How the payload ended. */
typedef enum MachineEnd {
        MACHINE_EXITED,         /* status is the payload's exit status */
        MACHINE_INIT_EXITED,    /* the same, of an init that should have called reboot(2), and was not asked to shut down */
        MACHINE_SHUT_DOWN,      /* power-off or halt by reboot(2) */
        MACHINE_REBOOT,
        MACHINE_KILLED,         /* status is the signal */
} MachineEnd;
typedef struct MachineEnding {
        MachineEnd kind;
        int status;
        bool early;             /* before it was ready, and not asked to shut down */
} MachineEnding;

typedef struct Machine Machine;
struct Machine {
        Loop loop;
        BusWait wait;                   /* waits for the bus in that loop */
        MachineRequest request;
        Settings settings;
        char *name;
        Image image;                    /* its fd is the tree's root; a disk image's: from the stage "image" on */
        Credentials credentials;        /* dropped once this process will start the machine no more */
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
        MachineKeeper keeper;
        char *in_force;                 /* the settings in force when the round before ended, as text; NULL: those of the start */
        LiveSettings live;              /* the same, which the places of settings point to */
        int control_fd;                 /* directory: the control socket, listening; -EBADF: none */
        bool state_written;             /* execute */
        uint64_t started_usec;          /* execute; CLOCK_REALTIME */
        MachineSteps steps;
        bool was_ready;                 /* supervise: READY=1 was sent, also before a reboot */
        uint64_t progress_usec;         /* see report_progress() */
        bool rebooting;                 /* another round follows: scratch directories are kept */
        int (*round)(Machine *m, Failure *failure);     /* machine_round(), for the keeper */
        void (*undo)(Machine *m);       /* machine_down(), for the keeper */
};

/* run/machine.c. */
void machine_init(Machine *m);
void machine_done(Machine *m);

/* --dry-run, --check or --json: starts nothing. */
bool machine_is_dry(const Machine *m);

/* The disk image is mounted read-only, so other machines may use it at the same time. */
bool machine_disk_is_read_only(const Machine *m);

/* Reads, and drops, the facts of the tree: os-release, init, users. */
int machine_read_tree(Machine *m, Problems *problems, Failure *failure);
/* For a dry run of a disk image, which is not mounted: no driver of the kernel reads an image before it is started. Its tree is
 * taken for that of a system with systemd, or with the init of Init=; a warning says so. */
int machine_assume_tree(Machine *m, Problems *problems, Failure *failure);
void machine_forget_tree(Machine *m);

/* Opens the machine's "/" with O_PATH: the tree, or PivotRoot= in it. */
int machine_open_root(const Machine *m, Failure *failure);

/* Connects m->registration.bus, if it is not. 0 or negative. machine_connect_bus() also waits for it, at most five seconds. */
int machine_open_bus(Machine *m, Failure *failure);
int machine_connect_bus(Machine *m, Failure *failure);

/* run/prepare.c: from a command line to settings and facts. 1: nothing to start (--help, --version). Negative: the first problem
 * is in *failure, the others were printed. With collect_problems, problems of settings are no failure: all are in
 * m->request.problems, and name or image are unset if they could not be found. */
int machine_prepare(Machine *m, int argc, char *const argv[], Failure *failure);

/* run/cleanup.c: removes what a killed supervisor has left. 1: done. -EEXIST: a machine of this name runs, nothing is removed. */
int machine_cleanup(Machine *m, const char *name, Failure *failure);

/* run/find-bundle.c: reads an OCI bundle and opens its tree. */
int machine_find_bundle(Machine *m, const char *directory, Failure *failure);

/* run/find-tree.c: the machine's name and its tree, from the switches. */
int machine_find_tree(Machine *m, Failure *failure);

/* run/launch.c: all stages up, or (on a failure) none. */
int machine_up(Machine *m, Failure *failure);
void machine_down(Machine *m);

/* run/dry-run.c: prints the plan or its problems; changes nothing. The exit status, or negative. */
int machine_dry_run(Machine *m, Failure *failure);

/* run/supervise.c: runs the loop until the payload's PID 1 ends. */
int machine_supervise(Machine *m, MachineEnding *ret, Failure *failure);

/* run/stage-execute.c: the state in /run/box/NAME, also after its links have changed. */
int machine_write_state(Machine *m, Failure *failure);

/* run/stage-network.c: forwards these ports and no others. The sockets are taken if none were forwarded before. After a failure
 * all is as it was. The ports' places must outlive the machine. */
int machine_set_ports(Machine *m, const PortSetting *ports, size_t n, PortSockets *sockets, Failure *failure);

/* run/stage-network.c: adds or removes the link that the setting (as MACVLAN=) makes of the value, while the machine runs. fds: a
 * socket of rtnetlink in the machine's network namespace, and the host's one; taken if they are needed. */
int machine_change_link(Machine *m, bool add, SettingId id, const char *value, int fds[static 2], Failure *failure);

/* run/round.c: starts, supervises and undoes. The exit status, or negative. */
int machine_round(Machine *m, Failure *failure);
