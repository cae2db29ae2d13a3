/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * /run/systemd/nspawn/unix-export/NAME: a read-only mount on the host of what the machine has at /run/host/unix-export, where
 * it makes sockets that the host is to reach ("ssh unix/run/systemd/nspawn/unix-export/NAME/ssh").
 */

#include <sys/types.h>

#include "util/failure.h"

typedef struct UnixExport {
        int dir_fd;             /* where the host's mounts of all machines lie; -EBADF: this one's is not there */
        char *name;
        int userns_fd, mntns_fd;        /* the machine's: how a supervisor without privilege takes the mount away */
} UnixExport;
#define UNIX_EXPORT_NULL { -EBADF, NULL, -EBADF, -EBADF }

/* Shows mount_fd, a detached mount, on the host under the machine's name. What is mounted there was left by a supervisor
 * that was killed: the caller has the name. leader: a process with the machine's namespaces; 0: a machine without a user
 * namespace, whose supervisor keeps CAP_SYS_ADMIN. The supervisor, as root of the host. */
int unix_export_up(const char *name, int mount_fd, pid_t leader, UnixExport *ret, Failure *failure);

/* Takes mount and directory away. */
void unix_export_down(UnixExport *e);
