/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Runs a process in a running machine without the payload's service manager. The process gets the leader's namespaces, cgroup,
 * capability bounding set, resource limits, AppArmor profile and system call filter: it has no more privileges than the machine's
 * own processes.
 */

#include <sys/types.h>

#include "util/failure.h"

typedef struct Leader {
        pid_t pid;
        int pidfd;
        int root_fd;            /* its "/", with O_PATH, for tree_open() */
        char *filter;           /* file of its system call filter; NULL: the built-in one */
} Leader;
#define LEADER_NULL { 0, -EBADF, -EBADF, NULL }

/* Opens a process as the leader. The pidfd is opened first and checked last, so that all members are of one process. The caller
 * sets the filter. */
int leader_open(pid_t pid, Leader *ret, Failure *failure);
void leader_done(Leader *l);

/* Called with the process that starts the program, before that does anything; negative errno: it does not. */
typedef int EnterHook(pid_t pid, void *userdata, Failure *failure);

typedef struct EnterOptions {
        const char *path;               /* of the program, absolute, in the machine; for messages where paths is set */
        char *const *paths;             /* not NULL: to be tried in turn; the first that can be executed is the program */
        char *const *argv;
        char *const *envp;
        const char *working_directory;  /* NULL: "/" */
        uid_t uid;                      /* in the machine */
        gid_t gid;
        const gid_t *groups;
        size_t n_groups;
        int stdio[3];                   /* standard descriptors (-EBADF: /dev/null of the machine); must not be a terminal of
                                         * the host */
        bool new_pty;                   /* instead: a pty of the machine's devpts, as controlling terminal */
        bool no_seccomp;                /* the machine has no filter */
        int *ret_guard;                 /* not NULL: a descriptor is returned. If it is closed without a byte written to it,
                                         * as by our end, the program's process group gets SIGHUP */
        bool *ret_refused;              /* not NULL, and true with a failure: it is the program that could not be executed */
        EnterHook *hook;                /* not NULL: for a tracer */
        void *hook_userdata;
        const char *stub;               /* of tests: the stub program; NULL: the installed one */
} EnterOptions;

/* Pipes belong to this user of the machine then, who can open /dev/stderr. Without the privilege to do so they stay ours. */
void enter_give_pipes(const Leader *leader, const int stdio[static 3], uid_t uid, gid_t gid);

/* Starts the program, as a child of the caller; *ret_pid is its PID on the host. With new_pty *ret_pty is the master, otherwise
 * ret_pty may be NULL. Returns after execve(), whose failure is returned, too. -ETIMEDOUT after ten seconds. */
int enter_spawn(const Leader *leader, const EnterOptions *options, pid_t *ret_pid, int *ret_pty, Failure *failure);
