/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Lock files (see lock-file.h). The supervisor; silent. A file can be removed between open and lock: its link count is
 * 0 then, and both are tried again.
 */

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/fd.h"
#include "util/lock-file.h"
#include "util/parse.h"
#include "util/print.h"
#include "util/text.h"

/* Each retry: another holder has removed the file. */
enum { LOCK_RETRIES = 100 };

/* A shared holder that ends locks the file exclusively for a moment. Another one waits for that for so many
 * milliseconds. */
enum { LEAVING_TRIES = 5 };

static int lock_fd(int fd, unsigned flags)
{
        struct flock lock = {
                .l_type = flags & LOCK_FILE_SHARED ? F_RDLCK : F_WRLCK,
                .l_whence = SEEK_SET,
        };
        int r;

        do
                r = RET_ERRNO(fcntl(fd, flags & LOCK_FILE_WAIT ? F_OFD_SETLKW : F_OFD_SETLK, &lock));
        while (r == -EINTR);

        return r == -EACCES || r == -EAGAIN ? -EBUSY : r;
}

int lock_file_take(const char *path, unsigned flags, LockFile *ret)
{
        _cleanup_free_ char *copy = strdup(path);

        if (!copy)
                return -ENOMEM;

        for (unsigned i = 0; i < LOCK_RETRIES; i++) {
                _cleanup_close_ int fd = -EBADF;
                struct stat st;
                int r;

                fd = open(path, O_RDWR | O_CREAT | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
                if (fd < 0)
                        return -errno;
                r = lock_fd(fd, flags);
                if (r == -EBUSY && flags & LOCK_FILE_SHARED && i < LEAVING_TRIES) {
                        (void) poll(NULL, 0, /* timeout= */ 1);
                        continue;
                }
                if (r < 0)
                        return r;
                if (fstat(fd, &st) < 0)
                        return -errno;
                if (!S_ISREG(st.st_mode))
                        return -EBADFD;
                if (st.st_nlink > 0) {
                        *ret = (LockFile) { TAKE_FD(fd), TAKE_PTR(copy) };
                        return 0;
                }
        }

        return -EBUSY;
}

bool lock_file_read_holder(const char *path, char ret[static LOCK_FILE_HOLDER_MAX])
{
        struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
        _cleanup_close_ int fd = open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        ssize_t n;

        if (fd < 0 || fcntl(fd, F_OFD_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
                return false;
        n = pread(fd, ret, LOCK_FILE_HOLDER_MAX - 1, 0);
        ret[n > 0 ? n : 0] = 0;
        text_make_printable(ret);
        return true;
}

/* A line is "lock:\t1: OFDLCK  ADVISORY  WRITE -1 00:1a:1234 0 EOF": the inode is the last number of "MAJOR:MINOR:INODE". The
 * device may be another than stat(2)'s (btrfs). */
bool lock_file_in_fdinfo(const char *text, ino_t inode)
{
        char wanted[32];

        (void) snprintf(wanted, sizeof(wanted), ":%ju ", (uintmax_t) inode);
        for (const char *line = text; line; line = strchr(line, '\n')) {
                line += *line == '\n';
                if (strncmp(line, "lock:", 5) == 0) {
                        const char *found = strstr(line, wanted), *end = strchrnul(line, '\n');

                        if (found && found < end)
                                return true;
                }
        }
        return false;
}

/* Reads no file but those of /proc: a file system of a machine could let us wait. */
static bool process_holds(const char *pid, const char *name, ino_t inode)
{
        _cleanup_closedir_ DIR *d = NULL;
        char path[64], link[64 + NAME_MAX], target[PATH_MAX];
        struct dirent *e;

        (void) snprintf(path, sizeof(path), "/proc/%.20s/fdinfo", pid);
        d = opendir(path);
        while (d && (e = readdir(d))) {
                _cleanup_free_ char *text = NULL;
                const char *base;
                ssize_t n;

                (void) snprintf(link, sizeof(link), "/proc/%.20s/fd/%s", pid, e->d_name);
                n = readlink(link, target, sizeof(target) - 1);
                if (n <= 0)
                        continue;
                target[n] = '\0';
                base = strrchr(target, '/');
                if (base && strcmp(base + 1, name) == 0 && fd_read_file_at(dirfd(d), e->d_name, 4096, &text, NULL) >= 0 &&
                    lock_file_in_fdinfo(text, inode))
                        return true;
        }
        return false;
}

/* The kernel says of such a lock neither the process that took it nor those that have it. */
static pid_t find_holder(const char *path, ino_t inode)
{
        _cleanup_closedir_ DIR *d = opendir("/proc");
        const char *slash = strrchr(path, '/');
        struct dirent *e;
        uint32_t pid;

        while (d && (e = readdir(d)))
                if (parse_u32(e->d_name, &pid) >= 0 && process_holds(e->d_name, slash ? slash + 1 : path, inode))
                        return (pid_t) pid;
        return 0;
}

bool lock_file_is_held(const char *path, unsigned flags, pid_t *ret_holder)
{
        struct flock lock = { .l_type = flags & LOCK_FILE_SHARED ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET };
        _cleanup_close_ int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        struct stat st;

        if (fd < 0 || fcntl(fd, F_OFD_GETLK, &lock) < 0 || lock.l_type == F_UNLCK || fstat(fd, &st) < 0)
                return false;
        *ret_holder = find_holder(path, st.st_ino);
        return true;
}

int lock_file_write_holder(const LockFile *l, const char *name)
{
        int r = RET_ERRNO(ftruncate(l->fd, 0));

        return r < 0 ? r : fd_write_all(l->fd, name, strlen(name));
}

void lock_file_release(LockFile *l)
{
        /* Fails while another holder shares the lock. */
        if (l->fd >= 0 && lock_fd(l->fd, 0) >= 0)
                (void) unlink(l->path);
        fd_close(l->fd);
        free(l->path);
        *l = (LockFile) LOCK_FILE_NULL;
}

void lock_file_remove_left(const char *dir)
{
        _cleanup_closedir_ DIR *d = opendir(dir);
        struct dirent *e;

        while (d && (e = readdir(d))) {
                LockFile lock = LOCK_FILE_NULL;
                _cleanup_free_ char *path = NULL;

                if (e->d_type == DT_REG && strf(&path, "%s/%s", dir, e->d_name) >= 0 && lock_file_take(path, 0, &lock) >= 0)
                        lock_file_release(&lock);
        }
}
