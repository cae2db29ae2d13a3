/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Ranges of host ids for machines. The supervisor, as root, before the payload is cloned; the locks (util/lock-file.h, on
 * /run/systemd/nspawn-uid/BASE, as systemd-nspawn takes them) are held for the machine's life.
 *
 * systemd-nspawn also asks NSS for the names of the first and last id of a range. That calls every NSS module of the host,
 * maybe over a network, for ids that systemd reserves for containers: directories do not assign them, and nss-systemd's
 * names for running machines are what the locks say already. An administrator's own assignments are in four files, which
 * are read here, for the whole range. subuid and subgid are read because the ranges that useradd hands to rootless users
 * reach ID_RANGE_MIN with the eighth user.
 */

#include <endian.h>
#include <string.h>
#include <sys/stat.h>

#include "image/passwd.h"
#include "users/id-range.h"
#include "util/fd.h"
#include "util/parse.h"
#include "util/print.h"
#include "util/siphash.h"
#include "util/strv.h"

#define LOCK_DIR "/run/systemd/nspawn-uid"
#define TRIES_MAX 100U

enum { FILE_SIZE_MAX = 64 * 1024 * 1024 };

static const uint8_t range_key[16] = {
        0xe1, 0x56, 0xe0, 0xf0, 0x4a, 0xf0, 0x41, 0xaf, 0x96, 0x41, 0xcf, 0x41, 0x33, 0x94, 0xff, 0x72,
};

/* Ids in use on the host. */
typedef struct Taken {
        uint32_t first, count;
} Taken;

typedef struct TakenList {
        Taken *items;
        size_t n;
} TakenList;

static void taken_list_done(TakenList *l)
{
        free(l->items);
}

/* The candidates for a name. systemd-nspawn's are random after the first; these are the same on each start. */
static uid_t candidate_of_name(const char *machine, uint32_t attempt)
{
        uint32_t le = htole32(attempt);
        uid_t candidate;
        uint8_t key[16];

        memcpy(key, range_key, sizeof(key));
        for (size_t i = 0; i < sizeof(le); i++)
                key[i] ^= ((const uint8_t *) &le)[i];
        candidate = (uid_t) siphash24(machine, strlen(machine), key) % (ID_RANGE_MAX - ID_RANGE_MIN) + ID_RANGE_MIN;
        return candidate & ~(ID_RANGE_COUNT - 1);
}

uid_t id_range_of_name(const char *machine)
{
        return candidate_of_name(machine, 0);
}

static bool is_range(uid_t base, uint32_t count)
{
        return base >= ID_RANGE_MIN && (uint64_t) base + count <= (uint64_t) ID_RANGE_MAX + ID_RANGE_COUNT &&
               base % ID_RANGE_COUNT == 0;
}

/* Lines are "name:password:id:…" (passwd, group) or, delegated, "name:first:count" (subuid, subgid). Others (comments, NIS's
 * "+") have no ids. */
static int taken_add_file(TakenList *l, int etc_fd, const char *name, bool delegated)
{
        _cleanup_free_ char *text = NULL;
        char *rest, *field[3];
        size_t n;
        int r;

        r = fd_read_file_at(etc_fd, name, FILE_SIZE_MAX, &text, NULL);
        if (r < 0)
                return r == -ENOENT ? 0 : r;

        rest = text;
        while ((n = passwd_next(&rest, field, ARRAY_SIZE(field))) > 0) {
                uint32_t first, count = 1;
                Taken *t;

                if (n < ARRAY_SIZE(field) || parse_u32(field[delegated ? 1 : 2], &first) < 0 ||
                    (delegated && parse_u32(field[2], &count) < 0))
                        continue;
                t = array_append(&l->items, &l->n, sizeof(Taken));
                if (!t)
                        return -ENOMEM;
                *t = (Taken) { first, count };
        }
        return 0;
}

static int taken_load(TakenList *l, const char *etc_dir, Failure *failure)
{
        static const struct { const char *name; bool delegated; } files[] = {
                { "passwd", false }, { "group", false }, { "subuid", true }, { "subgid", true },
        };
        _cleanup_close_ int etc_fd = open(etc_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

        if (etc_fd < 0)
                return failure_set(failure, -errno, "Failed to open %s: %m", etc_dir);

        for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
                int r = taken_add_file(l, etc_fd, files[i].name, files[i].delegated);

                if (r < 0)
                        return failure_set(failure, r, "Failed to read %s/%s: %m", etc_dir, files[i].name);
        }

        return 0;
}

static bool is_taken(const TakenList *l, uid_t base, uint32_t count)
{
        for (size_t i = 0; i < l->n; i++) {
                const Taken *t = &l->items[i];

                if ((uint64_t) t->first < (uint64_t) base + count && (uint64_t) t->first + t->count > base)
                        return true;
        }

        return false;
}

static int make_lock_dir(const char *lock_dir, Failure *failure)
{
        int r = fd_mkdir(lock_dir, 0755);

        return r < 0 ? failure_set(failure, r, "Failed to create %s: %m", lock_dir) : 0;
}

/* Locks a block, unless r has locked it already. */
static int range_lock(IdRange *r, const char *lock_dir, uid_t block)
{
        _cleanup_free_ char *path = NULL;
        LockFile lock, *item;
        int e;

        e = strf(&path, "%s/%u", lock_dir, block);
        if (e < 0)
                return e;
        for (size_t i = 0; i < r->n_locks; i++)
                if (strcmp(r->locks[i].path, path) == 0)
                        return 0;

        e = lock_file_take(path, 0, &lock);
        if (e < 0)
                return e;
        item = array_append(&r->locks, &r->n_locks, sizeof(*item));
        if (!item) {
                lock_file_release(&lock);
                return -ENOMEM;
        }
        *item = lock;
        return 0;
}

/* All or none of the range's blocks. */
static int lock_range(IdRange *r, const char *lock_dir, uid_t base, uint32_t count)
{
        for (uint32_t offset = 0; offset < count; offset += ID_RANGE_COUNT) {
                int e = range_lock(r, lock_dir, base + offset);

                if (e < 0) {
                        id_range_done(r);
                        return e;
                }
        }
        r->base = base;
        r->count = count;
        return 0;
}

int id_range_pick(const char *lock_dir, const char *etc_dir, const char *machine, uid_t preferred, uint32_t count, IdRange *ret,
                  Failure *failure)
{
        _cleanup_(id_range_done) IdRange range = ID_RANGE_NULL;
        _cleanup_(taken_list_done) TakenList taken = { 0 };
        int r;

        lock_dir = lock_dir ?: LOCK_DIR;
        r = taken_load(&taken, etc_dir ?: "/etc", failure);
        if (r >= 0)
                r = make_lock_dir(lock_dir, failure);
        if (r < 0)
                return r;

        for (unsigned i = 0; i <= TRIES_MAX; i++) {
                /* A tree's owner is a hint: ids of a user of the host would let that user into the machine. Such a tree needs
                 * a written PrivateUsers= (plan-ids.c says so). */
                uid_t base = i == 0 ? preferred : candidate_of_name(machine, i - 1);

                if (!is_range(base, count) || is_taken(&taken, base, count))
                        continue;

                r = lock_range(&range, lock_dir, base, count);
                if (r == -EBUSY)
                        continue;
                if (r < 0)
                        return failure_set(failure, r, "Failed to lock the user ids from %u on: %m", base);

                *ret = range;
                range = (IdRange) ID_RANGE_NULL;
                return 0;
        }

        return failure_set(failure, -EBUSY, "No free range of user ids for machine %s in %u tries", machine, TRIES_MAX);
}

/* Locks all blocks that the ids base:count lie in, of those that id_range_pick() picks. */
static int lock_blocks(IdRange *r, const char *lock_dir, uid_t base, uint32_t count, Failure *failure)
{
        uint64_t first = base & ~(ID_RANGE_COUNT - 1), end = (uint64_t) base + count;

        if (first < ID_RANGE_MIN)
                first = ID_RANGE_MIN;
        if (end > (uint64_t) ID_RANGE_MAX + ID_RANGE_COUNT)
                end = (uint64_t) ID_RANGE_MAX + ID_RANGE_COUNT;

        for (uint64_t block = first; count > 0 && block < end; block += ID_RANGE_COUNT) {
                int result;

                if (r->n_locks == ID_RANGE_LOCKS_MAX)
                        return failure_set(failure, -E2BIG, "The user ids %u:%u are more than %u", base, count,
                                           ID_RANGE_LOCKS_MAX * ID_RANGE_COUNT);
                result = range_lock(r, lock_dir, (uid_t) block);
                if (result == -EBUSY)
                        return failure_set(failure, result, "Another machine uses some of the user ids %u:%u", base, count);
                if (result < 0)
                        return failure_set(failure, result, "Failed to lock the user ids %u:%u: %m", base, count);
        }
        return 0;
}

int id_range_lock_map(const char *lock_dir, const IdMap *map, IdRange *ret, Failure *failure)
{
        _cleanup_(id_range_done) IdRange range = ID_RANGE_NULL;
        int r;

        lock_dir = lock_dir ?: LOCK_DIR;
        if (map->n > 0) {
                range.base = map->lines[0].outside;
                range.count = map->lines[0].count;
        }
        r = make_lock_dir(lock_dir, failure);
        for (unsigned i = 0; r >= 0 && i < map->n; i++)
                r = lock_blocks(&range, lock_dir, map->lines[i].outside, map->lines[i].count, failure);
        if (r < 0)
                return r;

        *ret = range;
        range = (IdRange) ID_RANGE_NULL;
        return 0;
}

int id_range_lock(const char *lock_dir, uid_t base, uint32_t count, IdRange *ret, Failure *failure)
{
        const IdMap map = { .lines = { { 0, base, count } }, .n = 1 };

        return id_range_lock_map(lock_dir, &map, ret, failure);
}

void id_range_done(IdRange *r)
{
        for (size_t i = 0; i < r->n_locks; i++)
                lock_file_release(&r->locks[i]);
        free(r->locks);
        *r = (IdRange) ID_RANGE_NULL;
}

void id_range_remove_left(void)
{
        lock_file_remove_left(LOCK_DIR);
}
