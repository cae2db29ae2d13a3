/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Credentials for the payload: small secrets that it finds as files below $CREDENTIALS_DIRECTORY, in memory that is never
 * swapped. Only what is here knows their contents; plans and messages know names and sizes.
 */

#include <sys/types.h>

#include "config/problem.h"
#include "util/failure.h"

typedef struct Credential {
        char *id;
        char *data;             /* NULL: not fetched */
        size_t size;
} Credential;

typedef struct Credentials {
        Credential *items;
        size_t n;
} Credentials;

/* Overwrites them. */
void credentials_done(Credentials *c);

/* Gets all that the settings name. fetch false (a dry run): sockets, whose other ends would notice, and pipes are left alone.
 * What cannot be had goes to problems; -ENOMEM or 0. */
int credentials_load(const Settings *s, bool fetch, Credentials *ret, Problems *problems);

/* Puts them into the new ramfs at dir_fd, given to owner, readable by nobody else, and then writable by nobody at all. The
 * supervisor, as root of the host. */
int credentials_fill(const Credentials *c, int dir_fd, uid_t owner, Failure *failure);
