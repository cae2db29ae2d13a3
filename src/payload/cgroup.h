/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The unit's delegated cgroup: UNIT/supervisor for the supervisor, UNIT/payload for the machine, owned by its root. Nothing else
 * in or outside UNIT is changed. cgroup v2 only.
 */

#include <sys/types.h>

#include "util/failure.h"

typedef struct Cgroup {
        char *unit_path;        /* below the mount point: "/machine.slice/box@x.service" */
        int unit_fd;            /* O_DIRECTORY on it */
        int payload_fd;         /* on UNIT/payload, for clone3(CLONE_INTO_CGROUP); -EBADF until created */
        bool moved_self;        /* the supervisor moved from UNIT to UNIT/supervisor */
        bool made_supervisor;   /* and created it */
        bool unit_ends_with_us; /* set by the caller: systemd removes the unit's cgroups, so moving back saves nothing */
        char *enabled;          /* controllers enabled for UNIT's children: "cpu memory", or NULL */
} Cgroup;
#define CGROUP_NULL { NULL, -EBADF, -EBADF, false, false, false, NULL }

/* Opens /sys/fs/cgroup with O_PATH. -EOPNOTSUPP: it is v1 or hybrid. */
int cgroup_root_open(Failure *failure);

/* The cgroup of a process (pid 0: the caller), from /proc/PID/cgroup: "/machine.slice/box@x.service/payload". */
int cgroup_of_pid(pid_t pid, char **ret, Failure *failure);

/* The cgroup v2 path in the text of that file. -ENODATA: there is none; -EREMOTE: it is outside the caller's cgroup namespace.
 * Pure. */
int cgroup_path_parse(const char *text, char **ret);

/* The path of UNIT: own_path without a trailing "/supervisor". Pure. */
int cgroup_unit_path(const char *own_path, char **ret);

/* Is it below user-UID.slice, that is in a user's session or service manager? Pure. */
bool cgroup_is_of_user(const char *path);

/* Opens UNIT by its path below root_fd (cgroup_root_open()). */
int cgroup_open(int root_fd, const char *unit_path, Cgroup *ret, Failure *failure);

/* Moves the caller to UNIT/supervisor, unless it shares UNIT with other processes. Idempotent. */
int cgroup_enter_supervisor(Cgroup *c, Failure *failure);

/* Creates UNIT/payload, enables all controllers that can be enabled for UNIT's children, and gives UNIT/payload, with the files
 * that /sys/kernel/cgroup/delegate names, to owner. -EBUSY: another machine has processes there. Idempotent. */
int cgroup_make_payload(Cgroup *c, uid_t owner, gid_t group, Failure *failure);

/* Moves a process to UNIT/payload, then enables controllers again. For a scope that machined created, which has the leader in
 * UNIT itself. */
int cgroup_move_to_payload(Cgroup *c, pid_t pid, Failure *failure);

/* Freezes all processes in UNIT/payload, or lets them go on. */
int cgroup_freeze(const Cgroup *c, bool on, Failure *failure);

/* Has the kernel killed a process of UNIT for lack of memory, by UNIT's limit or the host's? */
bool cgroup_lacked_memory(const Cgroup *c);

/* Kills all processes in UNIT/payload (cgroup.kill) and removes it with everything below. Moves the supervisor back to UNIT, and
 * removes UNIT/supervisor, if this process moved and created it. */
void cgroup_done(Cgroup *c);
