/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Credentials for the payload: small secrets in files below $CREDENTIALS_DIRECTORY, on a ramfs, which is never swapped. Plans and
 * messages have only their names and sizes.
 */

#include <sys/types.h>

#include "config/problem.h"
#include "util/failure.h"

typedef struct Credential {
        char *id;
        char *data;             /* NULL: not loaded */
        size_t size;
} Credential;

typedef struct Credentials {
        Credential *items;
        size_t n;
} Credentials;

/* Overwrites and frees them. */
void credentials_done(Credentials *c);

/* Loads the credentials of the settings, and those of $CREDENTIALS_DIRECTORY. fetch false, for a dry run: only regular files.
 * Failures are Problems; -ENOMEM is the only error. */
int credentials_load(const Settings *s, bool fetch, Credentials *ret, Problems *problems);

/* Writes them to the new ramfs at dir_fd, readable by owner only, and makes the file system read-only. */
int credentials_fill(const Credentials *c, int dir_fd, uid_t owner, Failure *failure);
