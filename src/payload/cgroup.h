/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The unit's delegated cgroup: UNIT/supervisor for us, UNIT/payload for the machine, owned by its root. Nothing outside
 * UNIT is touched, and nothing in it that is not one of these two. cgroup v2 only.
 */

#include <sys/types.h>

#include "util/failure.h"

typedef struct Cgroup {
        char *unit_path;        /* below the mount point: "/machine.slice/box@x.service" */
        int unit_fd;            /* O_DIRECTORY on it */
        int payload_fd;         /* on UNIT/payload, for clone3(CLONE_INTO_CGROUP); -EBADF until made */
        bool moved_self;        /* we moved from UNIT into UNIT/supervisor */
        bool made_supervisor;   /* and made it for that */
        bool unit_ends_with_us; /* set by the caller: systemd removes what we leave, so going back is not worth its time */
        char *enabled;          /* controllers that we enabled for UNIT's children: "cpu memory", or NULL */
} Cgroup;
#define CGROUP_NULL { NULL, -EBADF, -EBADF, false, false, false, NULL }

/* The cgroup2 mount point's descriptor, O_PATH; a failure that says what the host lacks where /sys/fs/cgroup is v1 or
 * hybrid. */
int cgroup_root_open(Failure *failure);

/* The cgroup of a process, from /proc/PID/cgroup (pid 0: the caller): "/machine.slice/box@x.service/payload". */
int cgroup_of_pid(pid_t pid, char **ret, Failure *failure);

/* The line of that file that is cgroup v2's. Pure: 0, -ENODATA where there is none, -EREMOTE where it is outside the
 * caller's cgroup namespace. */
int cgroup_path_parse(const char *text, char **ret);

/* The unit's part of the caller's cgroup path: without a trailing "/supervisor" (DelegateSubgroup=, or ours). Pure. */
int cgroup_unit_path(const char *own_path, char **ret);

/* Is it in a user's session or service manager: below user-UID.slice? Pure. */
bool cgroup_is_of_user(const char *path);

/* Opens UNIT by its path below root_fd (cgroup_root_open()). */
int cgroup_open(int root_fd, const char *unit_path, Cgroup *ret, Failure *failure);

/* The steps, each idempotent: we move into UNIT/supervisor, where we are alone in UNIT; UNIT/payload is made; every
 * controller is enabled for UNIT's children (one that can't be is a debug message); payload and the files in it that the
 * kernel says may be delegated (/sys/kernel/cgroup/delegate) go to owner. -EBUSY where processes are in UNIT/payload
 * already: another machine's. */
int cgroup_enter_supervisor(Cgroup *c, Failure *failure);
int cgroup_make_payload(Cgroup *c, uid_t owner, gid_t group, Failure *failure);

/* Moves a process into UNIT/payload (a scope that machined made: the leader was put into UNIT itself, where it kept
 * controllers from being enabled; they are now). */
int cgroup_move_to_payload(Cgroup *c, pid_t pid, Failure *failure);

/* Kills what is left in UNIT/payload (cgroup.kill) and removes it with everything below; then we go back to UNIT where
 * we came from there, and UNIT/supervisor is removed where we made it. Nothing where nothing was made. */
void cgroup_done(Cgroup *c);
