/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Joining a running machine: the one way in, for everything that runs a process inside without the help of the payload's
 * service manager. The process gets all of the leader's namespaces, its cgroup, its bounding set, its resource limits, its
 * AppArmor profile and the system call filter, so that what is run from outside can do no more than what runs inside.
 */

#include <sys/types.h>

#include "util/failure.h"

typedef struct Leader {
        pid_t pid;
        int pidfd;
        int root_fd;            /* O_PATH on its "/", for tree_open() */
        char *filter;           /* file of a system call filter that is not the built-in one; NULL: the built-in */
} Leader;
#define LEADER_NULL { 0, -EBADF, -EBADF, NULL }

/* Opens a process as a leader; the pidfd is opened first and checked afterwards, so the three are of one process. Which filter
 * it runs under is for the caller to fill in. */
int leader_open(pid_t pid, Leader *ret, Failure *failure);
void leader_done(Leader *l);

typedef struct EnterOptions {
        const char *path;               /* of the program, absolute, in the machine */
        char *const *argv;
        char *const *envp;
        const char *working_directory;  /* NULL: "/" */
        uid_t uid;                      /* in the machine */
        gid_t gid;
        const gid_t *groups;
        size_t n_groups;
        int stdio[3];                   /* descriptors that become 0, 1, 2 (-EBADF: /dev/null of the machine); never a
                                         * terminal of the host: that is what new_pty is for */
        bool new_pty;                   /* instead: a pty of the machine's devpts is all three and controlling */
        bool no_seccomp;                /* the machine runs without a filter */
} EnterOptions;

/* Starts it. The process is our child (its pid on the host, SIGCHLD at its end); with new_pty *ret_pty is the master
 * (else ret_pty may be NULL). Exec's failure comes back as the Failure, and so does a machine that keeps us waiting:
 * -ETIMEDOUT after ten seconds. */
int enter_spawn(const Leader *leader, const EnterOptions *options, pid_t *ret_pid, int *ret_pty, Failure *failure);
