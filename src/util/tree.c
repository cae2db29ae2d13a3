/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Lookups inside a machine's tree (see tree.h). boxctl, the supervisor (on the host's view of a tree) and the child (on
 * its root), with the caller's privilege. RESOLVE_IN_ROOT keeps symbolic links of a hostile tree from leading to the
 * host's files.
 */

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/fd.h"
#include "util/tree.h"

/* openat2(2) fails with EAGAIN if a rename elsewhere raced with ".." in the lookup. */
enum { TREE_RETRIES = 32 };

int tree_create(int root_fd, const char *path, int flags, mode_t mode)
{
        struct open_how how = {
                .flags = (uint64_t) flags | O_CLOEXEC,
                .mode = flags & O_CREAT ? mode : 0,
                .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
        };

        for (unsigned i = 0;; i++) {
                int fd = (int) syscall(SYS_openat2, root_fd, path, &how, sizeof(how));

                if (fd >= 0)
                        return fd;
                if (errno != EAGAIN || i >= TREE_RETRIES)
                        return -errno;
        }
}

int tree_open(int root_fd, const char *path, int flags)
{
        return tree_create(root_fd, path, flags, 0);
}

int tree_read(int root_fd, const char *path, size_t max, char **ret, size_t *ret_size)
{
        _cleanup_close_ int there = -EBADF, fd = -EBADF;
        struct stat st;

        /* Checked before it is opened: a FIFO would wait for a writer, a device's driver would run. */
        there = tree_open(root_fd, path, O_PATH);
        if (there < 0)
                return there;
        if (fstat(there, &st) < 0)
                return -errno;
        if (S_ISDIR(st.st_mode))
                return -EISDIR;
        if (!S_ISREG(st.st_mode))
                return -EBADFD;
        fd = fd_reopen(there, O_RDONLY | O_NOCTTY | O_CLOEXEC);
        if (fd < 0)
                return fd;

        return fd_read_all(fd, max, ret, ret_size);
}

int tree_is_executable(int root_fd, const char *path)
{
        _cleanup_close_ int fd = -EBADF;
        struct stat st;

        fd = tree_open(root_fd, path, O_PATH);
        if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP)
                return 0;
        if (fd < 0)
                return fd;
        if (fstat(fd, &st) < 0)
                return -errno;

        return S_ISREG(st.st_mode) && (st.st_mode & 0111);
}

/* The path of an O_PATH descriptor by /proc, without the tree's own path. */
static int path_below(int root_fd, int fd, char **ret)
{
        char link[FD_PATH_MAX], root[PATH_MAX], path[PATH_MAX];
        ssize_t nroot, npath;

        nroot = readlink(fd_path(root_fd, link), root, sizeof(root) - 1);
        if (nroot < 0)
                return -errno;
        npath = readlink(fd_path(fd, link), path, sizeof(path) - 1);
        if (npath < 0)
                return -errno;
        root[nroot] = path[npath] = 0;

        if (nroot == 1)                 /* "/" */
                nroot = 0;
        if (strncmp(path, root, (size_t) nroot) != 0 || path[nroot] != '/')
                return -EXDEV;

        *ret = strdup(path + nroot);
        return *ret ? 0 : -ENOMEM;
}

int tree_canonicalize(int root_fd, const char *path, char **ret)
{
        _cleanup_close_ int fd = -EBADF;

        fd = tree_open(root_fd, path, O_PATH);
        if (fd < 0)
                return fd;

        return path_below(root_fd, fd, ret);
}

/* Copies the first n components' text of path. */
static char *path_head(const char *path, size_t n)
{
        return n == 0 ? strdup("/") : strndup(path, n);
}

int tree_mkdir_p(int root_fd, const char *path)
{
        _cleanup_close_ int dir = -EBADF;
        const char *p = path;

        dir = tree_open(root_fd, "/", O_PATH | O_DIRECTORY);
        if (dir < 0)
                return dir;

        for (;;) {
                _cleanup_free_ char *head = NULL, *name = NULL;
                size_t n;
                int next;

                p += strspn(p, "/");
                n = strcspn(p, "/");
                if (n == 0)
                        return TAKE_FD(dir);

                name = strndup(p, n);
                head = path_head(path, (size_t) (p - path) + n);
                if (!name || !head)
                        return -ENOMEM;

                /* Looked up from the root each time: a component may be a link that is absolute in the tree. */
                next = tree_open(root_fd, head, O_PATH | O_DIRECTORY);
                if (next == -ENOENT) {
                        if (mkdirat(dir, name, 0755) < 0 && errno != EEXIST)
                                return -errno;
                        next = tree_open(root_fd, head, O_PATH | O_DIRECTORY);
                }
                if (next < 0)
                        return next;

                fd_close(dir);
                dir = next;
                p += n;
        }
}

int tree_mountpoint(int root_fd, const char *path, bool directory)
{
        _cleanup_close_ int parent = -EBADF, made = -EBADF;
        _cleanup_free_ char *head = NULL;
        const char *name;
        int fd;

        fd = tree_open(root_fd, path, O_PATH);
        if (fd != -ENOENT)
                return fd;
        if (directory)
                return tree_mkdir_p(root_fd, path);

        name = strrchr(path, '/');
        name = name ? name + 1 : path;
        head = path_head(path, (size_t) (name - path));
        if (!head)
                return -ENOMEM;

        parent = tree_mkdir_p(root_fd, head);
        if (parent < 0)
                return parent;
        made = openat(parent, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0644);
        if (made < 0)
                return -errno;

        return tree_open(root_fd, path, O_PATH);
}
