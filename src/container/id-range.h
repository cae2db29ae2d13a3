/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The host ids of a machine: 65536 of them, a range that no other running machine has, of box or of systemd-nspawn:
 * the lock files are systemd-nspawn's (/run/systemd/nspawn-uid/BASE), and so is the way a name picks its range.
 */

#include <sys/types.h>

#include "util/failure.h"

/* systemd's container ranges: pkg-config --variable=container_uid_base_min / _max systemd. */
#define ID_RANGE_COUNT 0x10000U
#define ID_RANGE_MIN 0x00080000U
#define ID_RANGE_MAX 0x6FFF0000U

typedef struct IdRange {
        uid_t base;
        uint32_t count;
        int lock_fd;            /* held for the machine's life; -EBADF: a range that needs no lock */
        char *lock_path;
} IdRange;
#define ID_RANGE_NULL { 0, 0, -EBADF, NULL }

/* Picks and locks a range: preferred (0: none) when free, else the name's own (stable: a hash of the name), else others
 * after it. A range is free when nobody holds its lock and neither passwd nor group knows its first and last id.
 * lock_dir NULL: the real one. */
int id_range_pick(const char *lock_dir, const char *machine, uid_t preferred, IdRange *ret, Failure *failure);

/* Locks just this one: -EBUSY where another machine has it. */
int id_range_lock(const char *lock_dir, uid_t base, uint32_t count, IdRange *ret, Failure *failure);

/* The range that a name asks for first. Pure. */
uid_t id_range_of_name(const char *machine);

/* Removes the lock file and lets go of it. */
void id_range_done(IdRange *r);
