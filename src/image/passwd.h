/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Users of a machine, from its own /etc/passwd and /etc/group: read as hostile text, never through NSS (which would load
 * the machine's libraries into our process). */

#include <sys/types.h>

#include "util/macro.h"

typedef struct MachineUser {
        char *name;
        uid_t uid;
        gid_t gid;
        gid_t *groups;          /* supplementary, with gid */
        size_t n_groups;
        char *home;             /* "/" where empty */
        char *shell;            /* "/bin/sh" where empty */
} MachineUser;

void machine_user_done(MachineUser *u);

/* By name, or by number in decimal. root_fd is the machine's root. -ESRCH: no such user; -EBADMSG: the file is no
 * passwd file. */
int machine_user_read(int root_fd, const char *name, MachineUser *ret);
