/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Users of a machine, from its own /etc/passwd and /etc/group: read as hostile text, never through NSS, which would load
 * the machine's libraries into this process.
 */

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

/* Finds a user by name, by number in decimal, or by "UID:GID": exactly these ids, which need no entry (home is "/" then).
 * root_fd is the machine's root. root is known even where the tree has no passwd file. -ESRCH: no such user;
 * -EBADMSG: the file, or the user's line, is malformed. */
int machine_user_read(int root_fd, const char *name, MachineUser *ret);

/* Finds a group by name, or by number in decimal, which needs no entry. As machine_user_read(). */
int machine_group_read(int root_fd, const char *name, gid_t *ret);

/* Reads a file of lines with colons (passwd, group) of a machine. *ret is NULL where the file is missing. -EBADMSG: larger
 * than 4 MiB, not a regular file, or it has NULs. */
int passwd_read(int root_fd, const char *path, char **ret);

/* Cuts the next line off *text and splits it at colons: fields gets the first max fields. Returns how many fields the line
 * has (an empty line has one); 0 at the end. */
size_t passwd_next(char **text, char *fields[], size_t max);
