/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * /run/systemd/nspawn/unix-export/NAME: a read-only mount of the machine's /run/host/unix-export, where the payload
 * creates sockets for the host ("ssh unix/run/systemd/nspawn/unix-export/NAME/ssh").
 */

#include <sys/types.h>

#include "util/failure.h"

typedef struct UnixExport {
        int dir_fd;             /* the directory unix-export; -EBADF: nothing is mounted */
        char *name;
        int userns_fd, mntns_fd;        /* the machine's, to unmount without privileges */
} UnixExport;
#define UNIX_EXPORT_NULL { -EBADF, NULL, -EBADF, -EBADF }

/* Attaches mount_fd, a detached mount, on the host under the machine's name, whose lock the caller holds. Older mounts
 * there are left over from a supervisor that was killed, and are unmounted. leader: a process in the machine's
 * namespaces; 0: a machine without a user namespace, whose supervisor keeps CAP_SYS_ADMIN. The supervisor, as root of
 * the host. */
int unix_export_up(const char *name, int mount_fd, pid_t leader, UnixExport *ret, Failure *failure);

/* Unmounts it and removes the directory. */
void unix_export_down(UnixExport *e);

/* Removes what a killed supervisor has left. Root. */
void unix_export_remove_left(const char *name);
