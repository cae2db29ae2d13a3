/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* File descriptors: closing, whole reads and writes, reopening. Every process of all programs; no state, no privilege. */

#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/fd.h"

int fd_close(int fd)
{
        if (fd >= 0) {
                int saved = errno;

                (void) close(fd);
                errno = saved;
        }

        return -EBADF;
}

int fd_close_all_but(int from, const int *keep, size_t n)
{
        for (;;) {
                int next = -1;

                for (size_t i = 0; i < n; i++)
                        if (keep[i] >= from && (next < 0 || keep[i] < next))
                                next = keep[i];
                if (next != from && syscall(SYS_close_range, from, next < 0 ? ~0U : (unsigned) next - 1, 0) < 0)
                        return -errno;
                if (next < 0)
                        return 0;
                from = next + 1;
        }
}

int fd_secure_standard_streams(int flags)
{
        /* open() takes the lowest free number. These are kept over exec. */
        for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
                if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", flags) < 0)
                        return -errno;
        return 0;
}

int fd_write_all(int fd, const void *data, size_t size)
{
        const char *p = data;

        while (size > 0) {
                ssize_t n = write(fd, p, size);

                if (n < 0) {
                        if (errno == EINTR)
                                continue;
                        return -errno;
                }
                if (n == 0)
                        return -EIO;
                p += n;
                size -= (size_t) n;
        }

        return 0;
}

int fd_read_all(int fd, size_t max, char **ret, size_t *ret_size)
{
        _cleanup_free_ char *buf = NULL;
        size_t used = 0, allocated = 0;

        for (;;) {
                ssize_t n;

                /* Room for one byte more than max, to detect a larger file, and for the NUL. */
                if (allocated - used < 2) {
                        size_t want = allocated ? allocated * 2 : 4096;
                        char *p;

                        if (want > max + 2)
                                want = max + 2;
                        p = realloc(buf, want);
                        if (!p)
                                return -ENOMEM;
                        buf = p;
                        allocated = want;
                }

                n = read(fd, buf + used, allocated - used - 1);
                if (n < 0) {
                        if (errno == EINTR)
                                continue;
                        return -errno;
                }
                if (n == 0)
                        break;
                used += (size_t) n;
                if (used > max)
                        return -E2BIG;
        }

        buf[used] = 0;
        if (ret_size)
                *ret_size = used;
        *ret = TAKE_PTR(buf);
        return 0;
}

int fd_read_file_at(int dir_fd, const char *path, size_t max, char **ret, size_t *ret_size)
{
        _cleanup_close_ int fd = openat(dir_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

        return fd < 0 ? -errno : fd_read_all(fd, max, ret, ret_size);
}

int fd_write_file_at(int dir_fd, const char *path, const char *text)
{
        _cleanup_close_ int fd = openat(dir_fd, path, O_WRONLY | O_NOCTTY | O_CLOEXEC);

        return fd < 0 ? -errno : fd_write_all(fd, text, strlen(text));
}

const char *fd_path(int fd, char buf[static FD_PATH_MAX])
{
        (void) snprintf(buf, FD_PATH_MAX, "/proc/self/fd/%d", fd);
        return buf;
}

int fd_open_without_links(const char *path, int flags)
{
        const struct open_how how = { .flags = (uint64_t) flags | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS };

        return RET_ERRNO((int) syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how)));
}

int fd_reopen(int fd, int flags)
{
        char path[FD_PATH_MAX];

        return RET_ERRNO(open(fd_path(fd, path), flags | O_CLOEXEC));
}

int fd_nonblock(int fd, bool on)
{
        int flags = fcntl(fd, F_GETFL);

        if (flags < 0)
                return -errno;

        return RET_ERRNO(fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK));
}

int fd_mkdir(const char *path, mode_t mode)
{
        _cleanup_free_ char *parent = NULL;
        int r = RET_ERRNO(mkdir(path, mode));

        if (r == -EEXIST)
                return 0;
        if (r != -ENOENT)
                return r;

        parent = strdup(path);
        if (!parent)
                return -ENOMEM;
        for (char *slash = strchr(parent + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
                *slash = 0;
                if (mkdir(parent, 0755) < 0 && errno != EEXIST)
                        return -errno;
                *slash = '/';
        }
        return RET_ERRNO(mkdir(path, mode));
}
