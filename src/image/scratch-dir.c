/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Temporary directories (see scratch-dir.h): upper layers of ephemeral machines, temporary bind mounts, trees that are being
 * copied. The supervisor, as root; also in /var/tmp, where every user can create names: only directories that belong to root
 * and are closed to others are ever removed as leftovers.
 */

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "image/scratch-dir.h"
#include "image/tree-remove.h"
#include "util/fd.h"
#include "util/print.h"

enum {
        SCRATCH_DIGITS = 16,
        SCRATCH_TRIES = 16,     /* each failed one: it was removed between two system calls */
};

static bool is_scratch_name(const char *name, const char *prefix)
{
        size_t n = strlen(prefix);

        return strncmp(name, prefix, n) == 0 && strlen(name + n) == SCRATCH_DIGITS &&
               strspn(name + n, "0123456789abcdef") == SCRATCH_DIGITS;
}

/* Opens and locks the directory; -EBUSY if it is locked already. */
static int open_locked(int parent_fd, const char *name)
{
        _cleanup_close_ int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        if (fd < 0)
                return -errno;
        if (flock(fd, LOCK_EX | LOCK_NB) < 0)
                return errno == EWOULDBLOCK ? -EBUSY : -errno;
        return TAKE_FD(fd);
}

/* Of this user and closed to others. The set-group-ID bit is inherited from the parent. */
static bool is_ours(const struct stat *st)
{
        return st->st_uid == geteuid() && (st->st_mode & 07777 & ~(mode_t) S_ISGID) == 0700;
}

static void remove_leftover(int parent_fd, const char *name)
{
        _cleanup_close_ int fd = open_locked(parent_fd, name);
        struct stat st;

        if (fd >= 0 && fstat(fd, &st) >= 0 && is_ours(&st))
                (void) tree_remove(parent_fd, name);
}

/* 1: there are some; with `remove`, they are removed. */
static int for_leftovers(int parent_fd, const char *prefix, bool remove)
{
        int fd = openat(parent_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), found = 0;
        _cleanup_closedir_ DIR *dir = fd < 0 ? NULL : fdopendir(fd);
        struct dirent *e;

        if (!dir) {
                fd_close(fd);
                return -EBADF;
        }
        while ((e = readdir(dir)))
                if (is_scratch_name(e->d_name, prefix)) {
                        found = 1;
                        if (remove)
                                remove_leftover(parent_fd, e->d_name);
                }
        return found;
}

/* A large layer takes minutes to remove: a process of its own does so, which nobody waits for, and which keeps nothing of ours
 * open. What is left when it is killed, the next start removes. */
static void remove_leftovers(int parent_fd, const char *prefix)
{
        pid_t pid;

        if (for_leftovers(parent_fd, prefix, /* remove= */ false) <= 0)
                return;
        pid = fork();
        if (pid == 0) {
                if (fd_close_all_but(0, &parent_fd, 1) >= 0 && fd_secure_standard_streams(O_RDWR) >= 0 && fork() == 0)
                        (void) for_leftovers(parent_fd, prefix, /* remove= */ true);
                _exit(EXIT_SUCCESS);
        }
        if (pid > 0)
                (void) waitpid(pid, NULL, 0);
}

void scratch_dir_remove_left(int parent_fd, const char *prefix)
{
        (void) for_leftovers(parent_fd, prefix, /* remove= */ true);
}

static void scratch_dir_done(ScratchDir *d)
{
        d->fd = fd_close(d->fd);
        d->parent_fd = fd_close(d->parent_fd);
        free(TAKE_PTR(d->name));
}

/* -EAGAIN: another process took the new directory for a leftover before it was locked. */
static int make_one(ScratchDir *d, const char *prefix)
{
        _cleanup_close_ int fd = -EBADF;
        uint64_t number;
        struct stat st;

        if (getrandom(&number, sizeof(number), 0) != sizeof(number))
                return -errno;
        free(TAKE_PTR(d->name));
        if (strf(&d->name, "%s%016" PRIx64, prefix, number) < 0)
                return -ENOMEM;
        if (mkdirat(d->parent_fd, d->name, 0700) < 0)
                return errno == EEXIST ? -EAGAIN : -errno;

        fd = open_locked(d->parent_fd, d->name);
        if (fd == -ENOENT || fd == -EBUSY)
                return -EAGAIN;
        if (fd < 0) {
                (void) unlinkat(d->parent_fd, d->name, AT_REMOVEDIR);
                return fd;
        }
        if (fstat(fd, &st) < 0)
                return -errno;
        if (st.st_nlink == 0)
                return -EAGAIN;
        /* The owner of the parent may have put another directory in its place. */
        if (!is_ours(&st))
                return -EPERM;
        d->fd = TAKE_FD(fd);
        return 0;
}

int scratch_dir_make(int parent_fd, const char *prefix, ScratchDir *ret)
{
        _cleanup_(scratch_dir_done) ScratchDir d = SCRATCH_DIR_NULL;
        int r = -EAGAIN;

        d.parent_fd = openat(parent_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (d.parent_fd < 0)
                return -errno;
        remove_leftovers(parent_fd, prefix);
        for (unsigned i = 0; i < SCRATCH_TRIES && r == -EAGAIN; i++)
                r = make_one(&d, prefix);
        if (r < 0)
                return r;

        *ret = d;
        d = (ScratchDir) SCRATCH_DIR_NULL;
        return 0;
}

int scratch_dir_remove(ScratchDir *d)
{
        int r = d->name ? tree_remove(d->parent_fd, d->name) : 0;

        scratch_dir_done(d);
        return r;
}

int scratch_dir_publish(ScratchDir *d, const char *name)
{
        if (renameat2(d->parent_fd, d->name, d->parent_fd, name, RENAME_NOREPLACE) < 0)
                return -errno;
        scratch_dir_done(d);
        return 0;
}
