/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The host ids of a machine: 65536 of them, a range that no other running machine has, of box or of systemd-nspawn:
 * the lock files are systemd-nspawn's (/run/systemd/nspawn-uid/BASE), and so is the way a name picks its range.
 */

#include <sys/types.h>

#include "users/user-namespace.h"
#include "util/failure.h"

/* systemd's container ranges: pkg-config --variable=container_uid_base_min / _max systemd. */
#define ID_RANGE_COUNT 0x10000U
#define ID_RANGE_MIN 0x00080000U
#define ID_RANGE_MAX 0x6FFF0000U

/* The most blocks of ID_RANGE_COUNT ids that ranges as written by the user may lie in. */
#define ID_RANGE_LOCKS_MAX 64U

typedef struct IdBlockLock {
        uid_t block;            /* the lock file's name */
        int fd;                 /* held for the machine's life */
} IdBlockLock;

typedef struct IdRange {
        uid_t base;             /* of several ranges, the first's */
        uint32_t count;
        int dir_fd;             /* where the lock files are */
        IdBlockLock *locks;
        size_t n_locks;         /* 0: ids that need none */
} IdRange;
#define ID_RANGE_NULL { 0, 0, -EBADF, NULL, 0 }

/* Picks and locks a range: preferred (0: none; the owner of a tree's root directory) when it is one and free, else the
 * name's own (stable: a hash of the name), else others, in an order that is the name's own as well. A range is free
 * when nobody holds its lock and the host's /etc/passwd, group, subuid and subgid give none of its ids to anybody.
 * lock_dir and etc_dir NULL: the real ones. */
int id_range_pick(const char *lock_dir, const char *etc_dir, const char *machine, uid_t preferred, IdRange *ret,
                  Failure *failure);

/* Locks the range base:count that a user wrote, or -EBUSY where another machine has some of it. Ids that are never
 * picked (below ID_RANGE_MIN, the host's own) are not locked. */
int id_range_lock(const char *lock_dir, uid_t base, uint32_t count, IdRange *ret, Failure *failure);

/* The same for all ranges of a map. */
int id_range_lock_map(const char *lock_dir, const IdMap *map, IdRange *ret, Failure *failure);

/* The range that a name asks for first. Pure. */
uid_t id_range_of_name(const char *machine);

/* Removes the lock files and lets go of them. */
void id_range_done(IdRange *r);
