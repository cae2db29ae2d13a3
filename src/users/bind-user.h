/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * BindUser=: users of the host who are users of the machine too, with their home directories and their passwords. Inside they
 * are known by records that nss-systemd reads (/run/host/userdb, systemd's "user record" in JSON), under ids that systemd
 * keeps for this; their ids on the host are the same ids, by lines of their own in the machine's id map.
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
        char *password;         /* hashed, as shadow(5) has it; NULL: none that could be passed on */
        Source from;
} HostUser;

typedef struct HostUsers {
        HostUser *items;
        size_t n;
        uint64_t taken;         /* bit i: the machine has given BIND_USER_FIRST + i to a user or group of its own */
} HostUsers;

void host_users_done(HostUsers *u);

/* Looks up all that the settings name, by the host's NSS, and who the tree at tree_fd has. What is wrong with them goes to
 * problems; -ENOMEM or 0. Loads the host's NSS modules if there are users to look up. */
int host_users_read(const Settings *s, int tree_fd, HostUsers *ret, Problems *problems);

/* A user of the host, as the machine will have it. */
typedef struct BindUser {
        const HostUser *host;
        uint32_t id;            /* uid and gid inside */
} BindUser;

/* Gives each an id; ret holds users->n. count: how many ids the machine has. A machine without ids for all is a problem. 0
 * or -ENOMEM. Pure, as are the rest. */
int bind_user_assign(const HostUsers *users, uint32_t count, BindUser *ret, Problems *problems);

/* The machine's map with those ids taken out of it and mapped to the users'. gids: their groups'. */
int bind_user_map(const BindUser *users, size_t n, bool gids, IdMap *map, Problems *problems);
