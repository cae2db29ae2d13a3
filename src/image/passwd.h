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
        gid_t *groups;          /* supplementary; gid is the first */
        size_t n_groups;
        char *home;             /* "/" where empty */
        char *shell;            /* "/bin/sh" where empty */
} MachineUser;

void machine_user_done(MachineUser *u);
MachineUser *machine_user_free(MachineUser *u);
DEFINE_CLEANUP(MachineUser *, machine_user_free);

/* A copy, or NULL without memory. */
MachineUser *machine_user_copy(const MachineUser *u);

/* By name, by number in decimal, or "UID:GID" for just these ids, which need no entry ("/" is home, where they have
 * none). root_fd is the machine's root. root is known even where the tree has no passwd file. -ESRCH: no such user;
 * -EBADMSG: the file, or the user's line in it, is not what passwd(5) says. */
int machine_user_read(int root_fd, const char *name, MachineUser *ret);
