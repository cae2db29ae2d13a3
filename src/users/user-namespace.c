/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Id maps of user namespaces. The supervisor, as root of the host (CAP_SETUID and CAP_SETGID), writes those of its
 * child, and creates user namespaces without processes for idmapped mounts.
 */

#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "users/user-namespace.h"
#include "util/fd.h"
#include "util/namespace-call.h"

/* Each line has three numbers of up to ten digits. */
#define MAP_TEXT_MAX (ARRAY_SIZE(((IdMap *) 0)->lines) * 33 + 1)

int id_map_format(const IdMap *map, char *buf, size_t size)
{
        size_t used = 0;

        if (size == 0)
                return -ENOBUFS;

        buf[0] = 0;
        for (unsigned i = 0; i < map->n; i++) {
                const IdMapLine *l = &map->lines[i];
                int n = snprintf(buf + used, size - used, "%u %u %u\n", l->inside, l->outside, l->count);

                if (n < 0 || (size_t) n >= size - used)
                        return -ENOBUFS;
                used += (size_t) n;
        }

        return 0;
}

bool id_map_to_host(const IdMap *map, uint32_t inside, uint32_t *ret_host)
{
        for (unsigned i = 0; i < map->n; i++) {
                const IdMapLine *l = &map->lines[i];

                if (inside >= l->inside && inside - l->inside < l->count) {
                        *ret_host = l->outside + (inside - l->inside);
                        return true;
                }
        }
        return false;
}

bool id_map_from_host(const IdMap *map, uint32_t host, uint32_t *ret_inside)
{
        for (unsigned i = 0; i < map->n; i++) {
                const IdMapLine *l = &map->lines[i];

                if (host >= l->outside && host - l->outside < l->count) {
                        *ret_inside = l->inside + (host - l->outside);
                        return true;
                }
        }
        return false;
}

bool id_map_has_host(const IdMap *map, uint32_t host)
{
        uint32_t inside;

        return id_map_from_host(map, host, &inside);
}

bool id_map_is_shifted(const IdMap *map, uint32_t owner)
{
        uint32_t host;

        return id_map_has_host(map, owner) && !id_map_to_host(map, owner, &host);
}

IdMap id_map_from_base(const IdMap *map, uint32_t base, uint32_t count)
{
        IdMap shifted = {};

        for (unsigned i = 0; i < map->n; i++) {
                IdMapLine line = map->lines[i];

                if (line.inside >= count)
                        continue;
                if (line.count > count - line.inside)
                        line.count = count - line.inside;
                line.inside += base;
                shifted.lines[shifted.n++] = line;
        }
        return shifted;
}

bool id_map_is_identity(const IdMap *map)
{
        for (unsigned i = 0; i < map->n; i++)
                if (map->lines[i].inside != map->lines[i].outside)
                        return false;
        return true;
}

bool id_map_host_range(const IdMap *map, uint32_t *ret_low, uint32_t *ret_high)
{
        uint32_t low = UINT32_MAX, high = 0;

        for (unsigned i = 0; i < map->n; i++) {
                const IdMapLine *l = &map->lines[i];

                if (l->outside < low)
                        low = l->outside;
                if (l->outside + (l->count - 1) > high)
                        high = l->outside + (l->count - 1);
        }
        *ret_low = low;
        *ret_high = high;
        return map->n > 0;
}

static bool insert_line(IdMap *map, unsigned at, IdMapLine line)
{
        if (line.count == 0)
                return true;
        if (map->n >= ARRAY_SIZE(map->lines))
                return false;
        memmove(&map->lines[at + 1], &map->lines[at], (map->n - at) * sizeof(line));
        map->lines[at] = line;
        map->n++;
        return true;
}

bool id_map_override(IdMap *map, uint32_t inside, uint32_t outside)
{
        const IdMapLine own = { inside, outside, 1 };

        for (unsigned i = 0; i < map->n; i++) {
                const IdMapLine l = map->lines[i];
                uint32_t before = inside - l.inside;

                if (inside < l.inside || before >= l.count)
                        continue;
                map->lines[i] = own;
                return insert_line(map, i + 1, (IdMapLine) { inside + 1, l.outside + before + 1, l.count - before - 1 }) &&
                       insert_line(map, i, (IdMapLine) { l.inside, l.outside, before });
        }
        return insert_line(map, map->n, own);
}

static int write_map(int proc_pid_fd, const char *file, const IdMap *map, Failure *failure)
{
        _cleanup_close_ int fd = openat(proc_pid_fd, file, O_WRONLY | O_CLOEXEC);
        char text[MAP_TEXT_MAX];
        int r;

        if (fd < 0)
                return failure_set(failure, -errno, "Failed to open the child's %s: %m", file);
        r = id_map_format(map, text, sizeof(text));
        if (r < 0)
                return failure_set(failure, r, "Too many lines in an id map: %m");

        /* The kernel accepts one write() only, with the whole map. */
        r = RET_ERRNO((int) write(fd, text, strlen(text)));
        return r < 0 ? failure_set(failure, r, "Failed to write the id map \"%.*s\" to the child's %s: %m",
                                   (int) strcspn(text, "\n"), text, file) : 0;
}

int user_namespace_write_maps(int proc_pid_fd, const IdMap *uids, const IdMap *gids, Failure *failure)
{
        int r = write_map(proc_pid_fd, "uid_map", uids, failure);

        return r < 0 ? r : write_map(proc_pid_fd, "gid_map", gids, failure);
}

static int read_map(pid_t pid, const char *file, IdMap *ret)
{
        _cleanup_free_ char *text = NULL;
        IdMap map = {};
        char path[40];
        int n, r;

        (void) snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
        r = fd_read_file_at(AT_FDCWD, path, 64 * 1024, &text, NULL);
        if (r < 0)
                return r;
        for (const char *p = text; *p; p += n) {
                IdMapLine *l = &map.lines[map.n];

                if (map.n++ >= ARRAY_SIZE(map.lines))
                        return -E2BIG;
                if (sscanf(p, " %" SCNu32 " %" SCNu32 " %" SCNu32 " %n", &l->inside, &l->outside, &l->count, &n) < 3)
                        return -EBADMSG;
        }
        *ret = map;
        return 0;
}

int user_namespace_read_maps(pid_t pid, IdMap *ret_uids, IdMap *ret_gids)
{
        int r = read_map(pid, "uid_map", ret_uids);

        return r < 0 ? r : read_map(pid, "gid_map", ret_gids);
}

typedef struct Mapping {
        const IdMap *uids, *gids;
        Failure *failure;
} Mapping;

static int open_mapped_namespace(pid_t pid, void *argument)
{
        const Mapping *m = argument;
        _cleanup_close_ int proc_fd = -EBADF;
        char path[32];
        int fd, r;

        (void) snprintf(path, sizeof(path), "/proc/%d", pid);
        proc_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (proc_fd < 0)
                return failure_set(m->failure, -errno, "Failed to open %s: %m", path);

        r = user_namespace_write_maps(proc_fd, m->uids, m->gids, m->failure);
        if (r < 0)
                return r;

        fd = openat(proc_fd, "ns/user", O_RDONLY | O_CLOEXEC);
        return fd < 0 ? failure_set(m->failure, -errno, "Failed to open %s/ns/user: %m", path) : fd;
}

int user_namespace_new(const IdMap *uids, const IdMap *gids, Failure *failure)
{
        Mapping m = { uids, gids, failure };
        int r = namespace_hold(CLONE_NEWUSER, open_mapped_namespace, &m);

        return r >= 0 ? r : failure_set(failure, r, "Failed to create a user namespace: %m%s",
                                        r == -ENOSPC ? " (see /proc/sys/user/max_user_namespaces)" : "");
}

bool user_namespace_is_first(void)
{
        enum { FIRST_INODE = 0xEFFFFFFD };      /* PROC_USER_INIT_INO of the kernel */
        struct stat st;

        return stat("/proc/self/ns/user", &st) < 0 || st.st_ino == (ino_t) (uint32_t) FIRST_INODE;
}
