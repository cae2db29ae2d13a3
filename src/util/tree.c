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
#include "util/print.h"
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

/* As the kernel's limit, path_resolution(7). */
enum { LINKS_MAX = 40 };

/* The kind of file that is created at the end of a path. Its parents are directories. */
typedef enum MakeKind {
        MAKE_DIRECTORY,
        MAKE_FILE,
} MakeKind;

/* Puts the target of the dangling link NAME in its place in path: "/etc/link/x" becomes "/etc/../run/x". Its parent directory is
 * the first n bytes of path. Not shortened: what ".." means is the kernel's decision. -EINVAL if it is no link, -ENOENT if there
 * is nothing. */
static int replace_link(int dir_fd, const char *name, const char *path, size_t n, const char *rest, char **ret)
{
        char target[PATH_MAX];
        ssize_t length = readlinkat(dir_fd, name, target, sizeof(target) - 1);

        if (length < 0)
                return -errno;
        target[length] = 0;
        if (n + (size_t) length + strlen(rest) >= PATH_MAX)
                return -ENAMETOOLONG;
        return strf(ret, "%.*s%s%s", *target == '/' ? 0 : (int) n, path, target, rest);
}

/* Walks path and creates what it lacks. Returns an O_PATH descriptor of it; or, where the path leads through a link without a
 * target, -ESTALE with the path to go on with in *ret_path. */
static int make_path(int root_fd, const char *path, MakeKind kind, char **ret_path)
{
        _cleanup_close_ int dir = tree_open(root_fd, "/", O_PATH | O_DIRECTORY);
        const char *p = path + strspn(path, "/");

        while (dir >= 0 && *p) {
                size_t n = strcspn(p, "/");
                const char *rest = p + n, *next_name = rest + strspn(rest, "/");
                _cleanup_free_ char *name = strndup(p, n), *head = strndup(path, (size_t) (rest - path));
                bool file = kind == MAKE_FILE && !*next_name;
                int next, r;

                if (!name || !head)
                        return -ENOMEM;
                /* Looked up from the root each time: a component may be a link that is absolute in the tree. */
                next = tree_open(root_fd, head, file ? O_PATH : O_PATH | O_DIRECTORY);
                if (next == -ENOENT) {
                        r = replace_link(dir, name, path, (size_t) (p - path), rest, ret_path);
                        if (r >= 0)
                                return -ESTALE;
                        if (r != -ENOENT)
                                return r;
                        r = file ? RET_ERRNO(mknodat(dir, name, S_IFREG | 0644, 0)) : RET_ERRNO(mkdirat(dir, name, 0755));
                        if (r < 0 && r != -EEXIST)
                                return r;
                        next = tree_open(root_fd, head, file ? O_PATH : O_PATH | O_DIRECTORY);
                }
                fd_close(dir);
                dir = next;
                p = next_name;
        }

        return TAKE_FD(dir);
}

static int make_all(int root_fd, const char *path, MakeKind kind)
{
        _cleanup_free_ char *current = NULL;

        for (unsigned links = 0; links <= LINKS_MAX; links++) {
                char *next = NULL;
                int fd = make_path(root_fd, current ? current : path, kind, &next);

                if (!next)
                        return fd;
                free(current);
                current = next;
        }
        return -ELOOP;
}

int tree_mkdir_p(int root_fd, const char *path)
{
        return make_all(root_fd, path, MAKE_DIRECTORY);
}

int tree_mountpoint(int root_fd, const char *path, bool directory)
{
        int fd = tree_open(root_fd, path, O_PATH);

        return fd != -ENOENT ? fd : make_all(root_fd, path, directory ? MAKE_DIRECTORY : MAKE_FILE);
}
