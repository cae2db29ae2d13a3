/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The host or a machine as one end of a copy: where its files are, and which ids of the host its users have. */

#include <sys/stat.h>

#include "ctl/copy-path.h"
#include "ctl/verb.h"
#include "image/image.h"
#include "payload/enter.h"
#include "users/user-namespace.h"

typedef struct CopyEnd {
        const char *machine;            /* NULL: the host */
        int root_fd;                    /* -EBADF: the host, whose paths are looked up as everywhere */
        bool own_users;                 /* has a user namespace, or will have one where it is started */
        IdMap uids, gids;               /* of a machine: from its ids to those of the host */
        Leader leader;                  /* of a running machine */
        Image image;                    /* of a stopped one, locked */
        ImageLock lock;
} CopyEnd;
#define COPY_END_HOST { .root_fd = -EBADF, .leader = LEADER_NULL, .image.fd = -EBADF, .lock = IMAGE_LOCK_NULL }

/* Finds the machine, running or stopped. `write`: a stopped one is locked so that it does not start meanwhile. Needs root. */
int copy_end_open(Ctl *c, const char *machine, bool write, CopyEnd *ret, Failure *failure);
void copy_end_done(CopyEnd *e);

/* Opens a path. Of a machine, symbolic links do not lead out of its tree. */
int copy_end_open_path(const CopyEnd *e, const char *path, int flags);

/* The id inside that is the host's `id`, as the machine sees it (65534: it has none); and back: false if there is none. */
uint32_t copy_end_id_inside(const CopyEnd *e, bool group, uint32_t id);
bool copy_end_id_outside(const CopyEnd *e, bool group, uint32_t inside, uint32_t *ret);

/* Have both ends the same users? */
bool copy_end_same_users(const CopyEnd *a, const CopyEnd *b);

/* May the machine's root make files in this directory? Not in one of the host's that was only bound into it. */
int copy_end_may_write(const CopyEnd *e, const struct stat *directory);

/* The ids at this end for "USER", "USER:GROUP" or ":GROUP", names or numbers. UINT32_MAX: not named. May block on a machine's
 * files. */
int copy_end_find_owner(const CopyEnd *e, const char *text, uint32_t *ret_uid, uint32_t *ret_gid, Failure *failure);
