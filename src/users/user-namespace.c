/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Maps of user namespaces. The supervisor, as root of the host (CAP_SETUID and CAP_SETGID there), writes those of its
 * child, and makes namespaces that nobody lives in for idmapped mounts.
 */

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "users/user-namespace.h"
#include "util/fd.h"

/* Three numbers of at most ten digits a line, for each line. */
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

bool id_map_has_host(const IdMap *map, uint32_t host)
{
        for (unsigned i = 0; i < map->n; i++)
                if (host >= map->lines[i].outside && host - map->lines[i].outside < map->lines[i].count)
                        return true;
        return false;
}

bool id_map_is_shifted(const IdMap *map, uint32_t owner)
{
        uint32_t host;

        return id_map_has_host(map, owner) && !id_map_to_host(map, owner, &host);
}

bool id_map_is_identity(const IdMap *map)
{
        for (unsigned i = 0; i < map->n; i++)
                if (map->lines[i].inside != map->lines[i].outside)
                        return false;
        return true;
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

        /* The kernel takes a map in one write() only, and one only. */
        r = RET_ERRNO((int) write(fd, text, strlen(text)));
        return r < 0 ? failure_set(failure, r, "Failed to write the id map \"%.*s\" to the child's %s: %m",
                                   (int) strcspn(text, "\n"), text, file) : 0;
}

int user_namespace_write_maps(int proc_pid_fd, const IdMap *uids, const IdMap *gids, Failure *failure)
{
        int r = write_map(proc_pid_fd, "uid_map", uids, failure);

        return r < 0 ? r : write_map(proc_pid_fd, "gid_map", gids, failure);
}

/* Keeps a namespace until it is killed. It runs in its parent's memory, on a stack of its own: system calls only. */
_Noreturn static int wait_to_be_killed(void *userdata)
{
        (void) syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        for (;;)
                (void) syscall(SYS_pause);
}

static int open_mapped_namespace(pid_t pid, const IdMap *uids, const IdMap *gids, Failure *failure)
{
        _cleanup_close_ int proc_fd = -EBADF;
        char path[32];
        int fd, r;

        (void) snprintf(path, sizeof(path), "/proc/%d", pid);
        proc_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (proc_fd < 0)
                return failure_set(failure, -errno, "Failed to open %s: %m", path);

        r = user_namespace_write_maps(proc_fd, uids, gids, failure);
        if (r < 0)
                return r;

        fd = openat(proc_fd, "ns/user", O_RDONLY | O_CLOEXEC);
        return fd < 0 ? failure_set(failure, -errno, "Failed to open %s/ns/user: %m", path) : fd;
}

int user_namespace_new(const IdMap *uids, const IdMap *gids, Failure *failure)
{
        _Alignas(16) char stack[8192];
        sigset_t all, before;
        pid_t pid;
        int r;

        /* CLONE_VM: no copy of our memory is made for a process that does nothing; but then no handler of ours may run
         * there either. Without an exit signal, so that an event loop that watches SIGCHLD hears nothing of it. */
        (void) sigfillset(&all);
        (void) sigprocmask(SIG_SETMASK, &all, &before);
        pid = RET_ERRNO(clone(wait_to_be_killed, stack + sizeof(stack), CLONE_VM | CLONE_NEWUSER, NULL));
        (void) sigprocmask(SIG_SETMASK, &before, NULL);
        if (pid < 0)
                return failure_set(failure, pid, "Failed to make a user namespace: %m%s",
                                   pid == -ENOSPC ? " (see /proc/sys/user/max_user_namespaces)" : "");

        r = open_mapped_namespace(pid, uids, gids, failure);

        /* Not reaped by anybody else, so the number is still its own. Only when it is gone may the stack go. */
        (void) kill(pid, SIGKILL);
        while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
                ;

        return r;
}
