/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The host ids of a machine: a range of 65536 or more that no other running machine has, of box or of systemd-nspawn:
 * the lock files are systemd-nspawn's (/run/systemd/nspawn-uid/BASE), and so is the way a name picks its range.
 */

#include <sys/types.h>

#include "users/user-namespace.h"
#include "util/failure.h"
#include "util/lock-file.h"

/* systemd's container ranges: pkg-config --variable=container_uid_base_min / _max systemd. */
#define ID_RANGE_COUNT 0x10000U
#define ID_RANGE_MIN 0x00080000U
#define ID_RANGE_MAX 0x6FFF0000U

/* systemd's foreign range: trees on disk may belong to it, but no process ever has its ids. */
#define ID_RANGE_FOREIGN 0x7FFE0000U

/* The count for a machine that has containers with id ranges of their own: with those of the first two users in /etc/subuid,
 * which begin at 100000 where useradd chooses them. */
#define ID_RANGE_NESTING_COUNT (4 * ID_RANGE_COUNT)

/* The most blocks of ID_RANGE_COUNT ids that the ranges of IdMap= or PrivateUsers= may lie in. */
#define ID_RANGE_LOCKS_MAX 64U

typedef struct IdRange {
        uid_t base;             /* of several ranges, the first's */
        uint32_t count;
        LockFile *locks;        /* one a block of ID_RANGE_COUNT, held for the machine's life */
        size_t n_locks;         /* 0: ids that need none */
} IdRange;
#define ID_RANGE_NULL { 0, 0, NULL, 0 }

/* Picks and locks a free range of count ids, a multiple of ID_RANGE_COUNT: preferred (0: none; the owner of a tree's root
 * directory) if it begins a range, else one by a hash of the name, else further ones in an order that depends on the name only.
 * A range is free if it is not locked and the host's /etc/passwd, group, subuid and subgid have none of its ids. lock_dir and
 * etc_dir NULL: the real ones. */
int id_range_pick(const char *lock_dir, const char *etc_dir, const char *machine, uid_t preferred, uint32_t count,
                  IdRange *ret, Failure *failure);

/* Locks the range base:count of a setting; -EBUSY where another machine has a part of it. Ids that are never picked (the
 * host's own, below ID_RANGE_MIN) are not locked. */
int id_range_lock(const char *lock_dir, uid_t base, uint32_t count, IdRange *ret, Failure *failure);

/* The same for all ranges of a map. */
int id_range_lock_map(const char *lock_dir, const IdMap *map, IdRange *ret, Failure *failure);

/* The first candidate for a name. Pure. */
uid_t id_range_of_name(const char *machine);

/* Removes the lock files and unlocks. */
void id_range_done(IdRange *r);

/* Gives back the ranges of killed processes. */
void id_range_remove_left(void);
