/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Copies of whole trees (see tree-copy.h). The supervisor, as root, with a tree that may be hostile: every name is used
 * relative to an open directory, and no symbolic link is followed. The copy is in a directory of mode 0700, where no other
 * user can change it meanwhile.
 */

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/limits.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "image/tree-copy.h"
#include "util/fd.h"
#include "util/print.h"
#include "util/strv.h"

enum {
        DEPTH_MAX = 200,                /* a level takes four of a process's 1024 descriptors */
        CHUNK = 1 << 26,                /* bytes between two calls of TreeCopyStop */
        LINK_BUCKETS = 1024,
};

/* A file with more than one name, and the first of them in the copy. */
typedef struct LinkEntry {
        dev_t dev;
        ino_t ino;
        char *path;
} LinkEntry;

typedef struct LinkBucket {
        LinkEntry *entries;
        size_t n;
} LinkBucket;

typedef struct Copy {
        int dest_fd;                    /* the copy's root */
        dev_t skip_dev;
        ino_t skip_ino;                 /* 0: nothing is skipped */
        const TreeCopyOptions *options;
        LinkBucket links[LINK_BUCKETS];
        Failure *failure;
} Copy;

static void copy_done(Copy *c)
{
        for (size_t i = 0; i < LINK_BUCKETS; i++) {
                for (size_t j = 0; j < c->links[i].n; j++)
                        free(c->links[i].entries[j].path);
                free(c->links[i].entries);
        }
}

/* ---- attributes -------------------------------------------------------------------------------------------- */

static int copy_xattr(const char *from, const char *to, const char *name)
{
        char small[256];
        _cleanup_free_ char *large = NULL;
        ssize_t n = getxattr(from, name, small, sizeof(small));

        if (n < 0 && errno == ERANGE) {
                large = malloc(XATTR_SIZE_MAX);
                if (!large)
                        return -ENOMEM;
                n = getxattr(from, name, large, XATTR_SIZE_MAX);
        }
        if (n < 0)
                return errno == ENODATA ? 0 : -errno;
        return RET_ERRNO(setxattr(to, name, large ? large : small, (size_t) n, 0));
}

/* As cp -a and systemd: their loss does not change who may do what. */
static bool is_dispensable(const char *name, int error)
{
        return (strncmp(name, "user.", 5) == 0 || strncmp(name, "btrfs.", 6) == 0) &&
               (error == -EOPNOTSUPP || error == -EPERM || error == -E2BIG || error == -ENOSPC);
}

/* The kernel takes a descriptor of O_PATH (a symbolic link, a device) by path only here: /proc's magic links lead to the very
 * file. */
static int copy_xattrs(const Copy *c, int from, int to, const char *path)
{
        char from_path[FD_PATH_MAX], to_path[FD_PATH_MAX], names[4096];
        ssize_t n = listxattr(fd_path(from, from_path), names, sizeof(names));
        _cleanup_free_ char *large = NULL;
        const char *list = names;
        int r;

        if (n < 0 && errno == ERANGE) {
                large = malloc(XATTR_LIST_MAX);
                if (!large)
                        return -ENOMEM;
                list = large;
                n = listxattr(from_path, large, XATTR_LIST_MAX);
        }
        if (n < 0)
                return errno == EOPNOTSUPP ? 0 : -errno;

        (void) fd_path(to, to_path);
        for (const char *name = list; name < list + n; name += strlen(name) + 1) {
                r = copy_xattr(from_path, to_path, name);
                if (r < 0 && is_dispensable(name, r))
                        (void) failure_set(c->options->warning, r, "Failed to copy the attribute '%s' of /%s, ignoring it and "
                                           "others like it: %m", name, path);
                else if (r < 0)
                        return failure_set(c->failure, r, "Failed to copy the attribute '%s' of /%s: %m", name, path);
        }
        return 0;
}

/* Owner first: a change of it clears set-user-id bits and file capabilities. Times last: all else changes them. */
static int copy_attributes(const Copy *c, int from, int to, const char *path, const struct stat *st)
{
        const struct timespec times[] = { st->st_atim, st->st_mtim };
        char to_path[FD_PATH_MAX];
        int r;

        if (fchownat(to, "", st->st_uid, st->st_gid, AT_EMPTY_PATH) < 0)
                return -errno;
        if (!S_ISLNK(st->st_mode) && chmod(fd_path(to, to_path), st->st_mode & 07777) < 0)
                return -errno;
        r = copy_xattrs(c, from, to, path);
        if (r < 0)
                return r;
        return RET_ERRNO(utimensat(AT_FDCWD, fd_path(to, to_path), times, 0));
}

/* ---- data ------------------------------------------------------------------------------------------------- */

/* In the kernel: by copy_file_range(2), which a network file system does on its server, or by sendfile(2), which works between
 * any two file systems. */
static ssize_t copy_chunk(int from, int to, off_t *offset, size_t size)
{
        off_t to_offset = *offset;
        ssize_t n = copy_file_range(from, offset, to, &to_offset, size, 0);

        if (n >= 0 || (errno != EXDEV && errno != EINVAL && errno != EOPNOTSUPP && errno != ENOSYS && errno != EPERM))
                return n < 0 ? -errno : n;

        if (lseek(to, *offset, SEEK_SET) < 0)
                return -errno;
        n = sendfile(to, from, offset, size);
        return n < 0 ? -errno : n;
}

static bool is_stopped(const Copy *c)
{
        return c->options->stop && c->options->stop(c->options->userdata);
}

static int copy_segment(const Copy *c, int from, int to, off_t offset, off_t end)
{
        while (offset < end) {
                ssize_t n;

                if (is_stopped(c))
                        return -EINTR;
                n = copy_chunk(from, to, &offset, end - offset < CHUNK ? (size_t) (end - offset) : CHUNK);
                if (n < 0)
                        return (int) n;
                if (n == 0)
                        return 0;       /* it has become shorter meanwhile */
        }
        return 0;
}

/* Holes stay holes. */
static int copy_data(const Copy *c, int from, int to, off_t size)
{
        off_t data = 0, hole;
        int r;

        if (size == 0 || ioctl(to, FICLONE, from) >= 0)
                return 0;
        if (ftruncate(to, size) < 0)
                return -errno;

        while (data < size) {
                data = lseek(from, data, SEEK_DATA);
                if (data < 0)
                        return errno == ENXIO ? 0 : -errno;
                hole = lseek(from, data, SEEK_HOLE);
                if (hole < 0)
                        return -errno;
                r = copy_segment(c, from, to, data, hole < size ? hole : size);
                if (r < 0)
                        return r;
                data = hole;
        }
        return 0;
}

/* ---- one entry of a directory ------------------------------------------------------------------------------ */

/* A directory of both trees, and its path below the root ("" for itself), for messages and for hard links. */
typedef struct Place {
        int from, to;
        const char *path;
        unsigned depth;
} Place;

static int copy_directory(Copy *c, const Place *place);

static LinkBucket *link_bucket(Copy *c, const struct stat *st)
{
        return &c->links[st->st_ino % LINK_BUCKETS];
}

/* 1 where another name of the file was copied before, and this one was made a link to it. */
static int link_to_earlier(Copy *c, const Place *place, const char *name, const struct stat *st)
{
        const LinkBucket *b = link_bucket(c, st);

        for (size_t i = 0; i < b->n; i++)
                if (b->entries[i].dev == st->st_dev && b->entries[i].ino == st->st_ino)
                        return linkat(c->dest_fd, b->entries[i].path, place->to, name, 0) < 0 ? -errno : 1;
        return 0;
}

static int remember_link(Copy *c, const char *path, const struct stat *st)
{
        LinkBucket *b = link_bucket(c, st);
        LinkEntry *e = array_append(&b->entries, &b->n, sizeof(*e));

        if (!e)
                return -ENOMEM;
        e->dev = st->st_dev;
        e->ino = st->st_ino;
        return free_and_strdup(&e->path, path);
}

/* The next three return a descriptor of the copy, which has no attributes yet. */
static int copy_file(const Copy *c, int from_path, int dir_fd, const char *name, const struct stat *st)
{
        _cleanup_close_ int from = fd_reopen(from_path, O_RDONLY | O_NONBLOCK | O_NOCTTY), to = -EBADF;
        int r;

        if (from < 0)
                return from;
        to = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (to < 0)
                return -errno;
        r = copy_data(c, from, to, st->st_size);
        return r < 0 ? r : TAKE_FD(to);
}

static int copy_link(int from, int dir_fd, const char *name)
{
        char target[PATH_MAX];
        ssize_t n = readlinkat(from, "", target, sizeof(target) - 1);

        if (n < 0)
                return -errno;
        target[n] = 0;
        if (symlinkat(target, dir_fd, name) < 0)
                return -errno;
        return RET_ERRNO(openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
}

static int copy_node(int dir_fd, const char *name, const struct stat *st)
{
        if (mknodat(dir_fd, name, (st->st_mode & S_IFMT) | 0600, st->st_rdev) < 0)
                return -errno;
        return RET_ERRNO(openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
}

static int copy_subdirectory(Copy *c, int from_path, const Place *parent, const char *name, const char *path)
{
        Place place = { .path = path, .depth = parent->depth + 1 };
        _cleanup_close_ int from = -EBADF, to = -EBADF;

        if (place.depth > DEPTH_MAX)
                return failure_set(c->failure, -ELOOP, "Failed to copy /%s: more than %d nested directories", path,
                                   DEPTH_MAX);
        from = fd_reopen(from_path, O_RDONLY | O_DIRECTORY);
        if (from < 0)
                return from;
        if (mkdirat(parent->to, name, 0700) < 0)
                return -errno;
        to = openat(parent->to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (to < 0)
                return -errno;

        place.from = from;
        place.to = to;
        return copy_directory(c, &place);
}

static int copy_inode(Copy *c, int from, const Place *place, const char *name, const char *path, const struct stat *st)
{
        _cleanup_close_ int to = -EBADF;
        int r;

        if (S_ISDIR(st->st_mode))
                return copy_subdirectory(c, from, place, name, path);
        if (st->st_nlink > 1) {
                r = link_to_earlier(c, place, name, st);
                if (r != 0)
                        return r;
        }

        if (S_ISREG(st->st_mode))
                to = copy_file(c, from, place->to, name, st);
        else if (S_ISLNK(st->st_mode))
                to = copy_link(from, place->to, name);
        else
                to = copy_node(place->to, name, st);
        r = to < 0 ? to : copy_attributes(c, from, to, path, st);
        return r >= 0 && st->st_nlink > 1 ? remember_link(c, path, st) : r;
}

static int copy_entry(Copy *c, const Place *place, const char *name)
{
        _cleanup_free_ char *path = NULL;
        _cleanup_close_ int from = -EBADF;
        struct stat st;
        int r;

        if (strf(&path, "%s%s%s", place->path, *place->path ? "/" : "", name) < 0)
                return -ENOMEM;
        from = openat(place->from, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (from < 0 || fstat(from, &st) < 0)
                r = -errno;
        else if (c->skip_ino && st.st_ino == c->skip_ino && st.st_dev == c->skip_dev)
                r = 0;
        else if (is_stopped(c))
                return -EINTR;
        else
                r = copy_inode(c, from, place, name, path, &st);
        return r < 0 && r != -EINTR ? failure_set(c->failure, r, "Failed to copy /%s: %m", path) : r;
}

/* Its own attributes come last: entries change its times, and its mode may not allow to create them. */
static int copy_directory(Copy *c, const Place *place)
{
        int fd = fcntl(place->from, F_DUPFD_CLOEXEC, 0), r = 0;
        _cleanup_closedir_ DIR *dir = fd < 0 ? NULL : fdopendir(fd);
        struct dirent *e;
        struct stat st;

        if (!dir || fstat(place->from, &st) < 0) {
                r = -errno;
                if (!dir)
                        fd_close(fd);
                return r;
        }

        while ((errno = 0, e = readdir(dir))) {
                if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
                        continue;
                r = copy_entry(c, place, e->d_name);
                if (r < 0)
                        return r;
        }
        if (errno != 0)
                return -errno;
        return copy_attributes(c, place->from, place->to, place->path, &st);
}

int tree_copy(int source_fd, int dest_fd, const TreeCopyOptions *options, Failure *failure)
{
        Place place = { .from = source_fd, .to = dest_fd, .path = "" };
        _cleanup_free_ Copy *c = calloc(1, sizeof(Copy));
        struct stat st;
        int r;

        if (!c)
                return failure_set(failure, -ENOMEM, "Out of memory");
        *c = (Copy) { .dest_fd = dest_fd, .options = options, .failure = failure };
        if (options->skip_fd >= 0 && fstat(options->skip_fd, &st) >= 0) {
                c->skip_dev = st.st_dev;
                c->skip_ino = st.st_ino;
        }

        r = copy_directory(c, &place);
        copy_done(c);
        return r < 0 && r != -EINTR ? failure_set(failure, r, "Failed to copy the tree: %m") : r;
}
