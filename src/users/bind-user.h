/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * BindUser=: users of the host that are users of the machine as well, with their home directories and password hashes.
 * In the machine they have records for nss-systemd (/run/host/userdb, systemd's JSON user records) and ids from a range
 * that systemd reserves for this; lines of the machine's id map map these to their ids on the host.
 */

#include <sys/types.h>

#include "config/problem.h"
#include "config/settings.h"
#include "users/user-namespace.h"

/* systemd's range for it (https://systemd.io/UIDS-GIDS). */
#define BIND_USER_FIRST 60514U
#define BIND_USER_LAST 60577U

typedef struct HostUser {
        char *name;
        uid_t uid;
        gid_t gid;
        char *home;
        char *password;         /* the hash, as in shadow(5); NULL: none */
        Source from;
        char *shell;            /* BindUserShell=; NULL: the machine's default */
        const StringList *groups;       /* BindUserGroup=; borrowed of the settings; NULL: none */
} HostUser;

typedef struct HostUsers {
        HostUser *items;
        size_t n;
        uint64_t taken;         /* bit i: the machine's passwd or group file has BIND_USER_FIRST + i */
} HostUsers;

void host_users_done(HostUsers *u);

/* Looks up the users in the settings by the host's NSS, whose modules are loaded only then, and their names and ids in
 * the tree at tree_fd. 0 or -ENOMEM; mistakes go to problems. */
int host_users_read(const Settings *s, int tree_fd, HostUsers *ret, Problems *problems);

/* A user of the host as one of the machine. */
typedef struct BindUser {
        const HostUser *host;
        uint32_t id;            /* uid and gid inside */
} BindUser;

/* Assigns an id to each; ret has room for users->n. count: number of ids of the machine. Too few ids are a problem. 0
 * or -ENOMEM. Pure, as bind_user_map(). */
int bind_user_assign(const HostUsers *users, uint32_t count, BindUser *ret, Problems *problems);

/* Overrides the machine's map: maps the assigned ids to the users' ids on the host; gids: to their groups'. */
int bind_user_map(const BindUser *users, size_t n, bool gids, IdMap *map, Problems *problems);
