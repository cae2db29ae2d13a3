/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Ranges of host ids for machines. The supervisor, as root, before the payload is cloned; the locks are held for the
 * machine's life.
 *
 * A lock is an open file description's write lock (F_OFD_SETLK) over the whole of /run/systemd/nspawn-uid/BASE, which
 * the holder removes before it lets go: what systemd-nspawn 252 and 257 do, so that the two see each other. A child
 * that has not executed yet shares the lock; an exec lets go of it (O_CLOEXEC).
 *
 * systemd-nspawn also asks NSS for the names of the first and last id of a range. That loads and calls every NSS module
 * of the host, a good part of a millisecond and maybe a network away, to find what cannot be there: ids of this
 * range are reserved for containers by systemd, so directories don't give them out, and what nss-systemd makes up for running
 * machines is what the locks say already. An administrator's own assignments can be there, and those lie in four
 * files, which are read directly, and for the whole range. subuid and subgid are read because the ranges that useradd
 * hands to rootless users reach ID_RANGE_MIN with the eighth user.
 */

#include <endian.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "users/id-range.h"
#include "util/fd.h"
#include "util/parse.h"
#include "util/siphash.h"
#include "util/strv.h"

#define LOCK_DIR "/run/systemd/nspawn-uid"
#define TRIES_MAX 100U

static const uint8_t range_key[16] = {
        0xe1, 0x56, 0xe0, 0xf0, 0x4a, 0xf0, 0x41, 0xaf, 0x96, 0x41, 0xcf, 0x41, 0x33, 0x94, 0xff, 0x72,
};

/* Ids that somebody on the host has. */
typedef struct Taken {
        uint32_t first, count;
        bool delegated;         /* from subuid or subgid */
} Taken;

typedef struct TakenList {
        Taken *items;
        size_t n;
} TakenList;

static void taken_list_done(TakenList *l)
{
        free(l->items);
}

static uid_t fold(uint64_t hash)
{
        uid_t candidate = (uid_t) hash % (ID_RANGE_MAX - ID_RANGE_MIN) + ID_RANGE_MIN;

        return candidate & ~(ID_RANGE_COUNT - 1);
}

uid_t id_range_of_name(const char *machine)
{
        return fold(siphash24(machine, strlen(machine), range_key));
}

/* Where a name looks next. systemd-nspawn's further candidates are random; these come out the same on each start. */
static uid_t candidate_of_name(const char *machine, uint32_t attempt)
{
        uint8_t key[16];
        uint32_t le = htole32(attempt);

        memcpy(key, range_key, sizeof(key));
        for (size_t i = 0; attempt > 0 && i < sizeof(le); i++)
                key[i] ^= ((const uint8_t *) &le)[i];

        return fold(siphash24(machine, strlen(machine), key));
}

static bool is_range(uid_t base)
{
        return base >= ID_RANGE_MIN && base <= ID_RANGE_MAX && base % ID_RANGE_COUNT == 0;
}

/* One line of passwd or group ("name:password:id:…") or of subuid or subgid ("name:first:count"). */
static int taken_add_line(TakenList *l, char *line, bool delegated)
{
        char *field[3] = { 0 };
        uint32_t first, count = 1;
        Taken *t;

        line[strcspn(line, "\n")] = 0;
        for (size_t i = 0; i < ARRAY_SIZE(field); i++)
                field[i] = strsep(&line, ":");

        /* Lines that mean nothing (comments, NIS's "+") give nobody any ids. */
        if (!field[2] || parse_u32(field[delegated ? 1 : 2], &first) < 0)
                return 0;
        if (delegated && parse_u32(field[2], &count) < 0)
                return 0;

        t = array_append(&l->items, &l->n, sizeof(Taken));
        if (!t)
                return -ENOMEM;

        *t = (Taken) { first, count, delegated };
        return 0;
}

static int taken_add_file(TakenList *l, int etc_fd, const char *name, bool delegated)
{
        _cleanup_close_ int fd = openat(etc_fd, name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        _cleanup_fclose_ FILE *f = NULL;
        _cleanup_free_ char *line = NULL;
        size_t size = 0;

        if (fd < 0)
                return errno == ENOENT ? 0 : -errno;
        f = fdopen(fd, "r");
        if (!f)
                return -errno;
        TAKE_FD(fd);

        while (getline(&line, &size, f) >= 0) {
                int r = taken_add_line(l, line, delegated);

                if (r < 0)
                        return r;
        }

        return ferror(f) ? -EIO : 0;
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

static bool is_taken(const TakenList *l, uid_t base, bool ignore_delegated)
{
        for (size_t i = 0; i < l->n; i++) {
                const Taken *t = &l->items[i];

                if (t->delegated && ignore_delegated)
                        continue;
                if ((uint64_t) t->first < (uint64_t) base + ID_RANGE_COUNT &&
                    (uint64_t) t->first + t->count > base)
                        return true;
        }

        return false;
}

#define LOCK_NAME_MAX 16

static const char *lock_name(uid_t block, char buf[static LOCK_NAME_MAX])
{
        (void) snprintf(buf, LOCK_NAME_MAX, "%u", block);
        return buf;
}

/* A descriptor that holds the block's lock, or -EBUSY. */
static int lock_block(int dir_fd, uid_t block)
{
        struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
        char name[LOCK_NAME_MAX];

        for (;;) {
                _cleanup_close_ int fd = -EBADF;
                struct stat st;

                fd = openat(dir_fd, lock_name(block, name), O_RDWR | O_CREAT | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC,
                            0600);
                if (fd < 0)
                        return -errno;
                if (fcntl(fd, F_OFD_SETLK, &lock) < 0)
                        return errno == EAGAIN || errno == EACCES ? -EBUSY : -errno;
                if (fstat(fd, &st) < 0)
                        return -errno;
                /* Its holder removed it between our open and our lock: this is nobody's file any more. */
                if (st.st_nlink > 0)
                        return TAKE_FD(fd);
        }
}

static int lock_dir_open(const char *lock_dir, Failure *failure)
{
        int fd;

        if (!lock_dir) {
                lock_dir = LOCK_DIR;
                if (mkdir("/run/systemd", 0755) < 0 && errno != EEXIST)
                        return failure_set(failure, -errno, "Failed to make /run/systemd: %m");
        }
        if (mkdir(lock_dir, 0755) < 0 && errno != EEXIST)
                return failure_set(failure, -errno, "Failed to make %s: %m", lock_dir);

        fd = open(lock_dir, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return failure_set(failure, -errno, "Failed to open %s: %m", lock_dir);

        return fd;
}

static void range_unlock(IdRange *r)
{
        for (size_t i = 0; i < r->n_locks; i++) {
                char name[LOCK_NAME_MAX];

                /* While it is locked: whoever opened it meanwhile sees that it is gone. */
                (void) unlinkat(r->dir_fd, lock_name(r->locks[i].block, name), 0);
                fd_close(r->locks[i].fd);
        }
        free(r->locks);
        r->locks = NULL;
        r->n_locks = 0;
}

/* Locks a block, unless it is ours already; r->dir_fd is open. */
static int range_lock(IdRange *r, uid_t block)
{
        _cleanup_close_ int fd = -EBADF;
        IdBlockLock *lock;

        for (size_t i = 0; i < r->n_locks; i++)
                if (r->locks[i].block == block)
                        return 0;

        fd = lock_block(r->dir_fd, block);
        if (fd < 0)
                return fd;
        lock = array_append(&r->locks, &r->n_locks, sizeof(*lock));
        if (!lock)
                return -ENOMEM;
        *lock = (IdBlockLock) { block, TAKE_FD(fd) };
        return 0;
}

int id_range_pick(const char *lock_dir, const char *etc_dir, const char *machine, uid_t preferred, IdRange *ret,
                  Failure *failure)
{
        _cleanup_(id_range_done) IdRange range = ID_RANGE_NULL;
        _cleanup_(taken_list_done) TakenList taken = { 0 };
        int r;

        r = taken_load(&taken, etc_dir ?: "/etc", failure);
        if (r < 0)
                return r;
        range.dir_fd = lock_dir_open(lock_dir, failure);
        if (range.dir_fd < 0)
                return range.dir_fd;

        for (unsigned i = 0; i <= TRIES_MAX; i++) {
                /* A tree that belongs to a range keeps it even where users are delegated the same ids: moving the
                 * machine elsewhere would not take its files from them. */
                uid_t base = i == 0 ? preferred : candidate_of_name(machine, i - 1);

                if (!is_range(base) || is_taken(&taken, base, /* ignore_delegated= */ i == 0))
                        continue;

                r = range_lock(&range, base);
                if (r == -EBUSY)
                        continue;
                if (r < 0)
                        return failure_set(failure, r, "Failed to lock the user ids from %u on: %m", base);

                range.base = base;
                range.count = ID_RANGE_COUNT;
                *ret = range;
                range = (IdRange) ID_RANGE_NULL;
                return 0;
        }

        return failure_set(failure, -EBUSY, "No free range of user ids for machine %s in %u tries", machine, TRIES_MAX);
}

/* All blocks that the ids base:count lie in, as far as they are such as are picked. */
static int lock_blocks(IdRange *r, uid_t base, uint32_t count, Failure *failure)
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
                result = range_lock(r, (uid_t) block);
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

        if (map->n > 0) {
                range.base = map->lines[0].outside;
                range.count = map->lines[0].count;
        }
        range.dir_fd = lock_dir_open(lock_dir, failure);
        if (range.dir_fd < 0)
                return range.dir_fd;
        for (unsigned i = 0; i < map->n; i++) {
                r = lock_blocks(&range, map->lines[i].outside, map->lines[i].count, failure);
                if (r < 0)
                        return r;
        }

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
        range_unlock(r);
        fd_close(r->dir_fd);
        *r = (IdRange) ID_RANGE_NULL;
}
