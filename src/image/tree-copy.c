/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Copies of files and trees (see tree-copy.h). The supervisor, as root, into a directory of mode 0700 that no other user can
 * change meanwhile; boxctl, as root, between the host and machines that run. Both sides may be hostile and change all the time:
 * every name is used relative to an open directory, no symbolic link is followed, no file that exists is written to.
 */

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <linux/limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/sendfile.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "image/tree-attribute.h"
#include "image/tree-copy.h"
#include "util/fd.h"
#include "util/print.h"
#include "util/strv.h"

enum {
        DEPTH_MAX = 200,                /* a level takes three of a process's 1024 descriptors */
        CHUNK = 1 << 26,                /* bytes between two calls of stop() */
        SMALL = 128 * 1024,             /* read and written by one call each */
        LINK_BUCKETS = 1024,
};

/* A file with more than one name, and the first of them in the copy. */
typedef struct LinkEntry {
        dev_t dev;
        ino_t ino;
        dev_t to_dev;
        ino_t to_ino;
        char *path;
} LinkEntry;

typedef struct LinkBucket {
        LinkEntry *entries;
        size_t n;
} LinkBucket;

struct TreeCopy {
        int dest_fd;                    /* the copy's root; the caller's */
        const TreeCopyOptions *options; /* the caller's */
        TreeCopyCount *count, own_count;
        const char *where;
        dev_t skip_dev;
        ino_t skip_ino;                 /* 0: nothing is skipped */
        /* The last two file systems between which data could not be shared, or not be copied by copy_file_range(2). */
        dev_t slow_from, slow_to;
        bool no_clone, no_range;
        bool removed;                   /* an incomplete file was */
        LinkBucket links[LINK_BUCKETS];
        char buffer[SMALL];
};

static bool has(const TreeCopy *c, unsigned flag)
{
        return c->options->flags & flag;
}

static bool is_stopped(const TreeCopy *c)
{
        return c->options->stop && c->options->stop(c->options->userdata);
}

/* ---- attributes -------------------------------------------------------------------------------------------- */

/* As cp -a and systemd: their loss does not change who may do what. Of files that are put into another tree, any whose kind the
 * file system there does not have. */
static bool is_dispensable(const TreeCopy *c, const char *name, int error)
{
        if (strncmp(name, "user.", 5) == 0 || strncmp(name, "btrfs.", 6) == 0)
                return error == -EOPNOTSUPP || error == -EPERM || error == -E2BIG || error == -ENOSPC;
        return has(c, TREE_COPY_MERGE) && (error == -EOPNOTSUPP || error == -EPERM);
}

static int copy_xattr(TreeCopy *c, const char *from, const char *to, const char *name)
{
        ssize_t n = getxattr(from, name, c->buffer, XATTR_SIZE_MAX);
        size_t size = (size_t) n;
        int r;

        if (n < 0)
                return errno == ENODATA ? 0 : -errno;
        r = tree_attribute_map(name, c->buffer, &size, c->options->root, c->options->map, c->options->userdata);
        return r != 0 ? r : RET_ERRNO(setxattr(to, name, c->buffer, size, 0));
}

/* The names of the attributes, in small or in a larger buffer. The kernel takes a descriptor of O_PATH (a symbolic link, a
 * device) by path only: /proc's magic links lead to the very file. */
static ssize_t list_xattrs(int fd, bool by_path, char *small, size_t small_size, char **ret_large)
{
        char path[FD_PATH_MAX];
        ssize_t n = by_path ? listxattr(fd_path(fd, path), small, small_size) : flistxattr(fd, small, small_size);

        if (n < 0 && errno == ERANGE) {
                *ret_large = malloc(XATTR_LIST_MAX);
                if (!*ret_large)
                        return -ENOMEM;
                n = listxattr(fd_path(fd, path), *ret_large, XATTR_LIST_MAX);
        }
        if (n < 0)
                return errno == EOPNOTSUPP ? 0 : -errno;
        return n;
}

static int copy_xattrs(TreeCopy *c, int from, bool by_path, int to, const char *path, bool same_owner, Failure *failure)
{
        char from_path[FD_PATH_MAX], to_path[FD_PATH_MAX], small[4096];
        _cleanup_free_ char *large = NULL;
        ssize_t n = list_xattrs(from, by_path, small, sizeof(small), &large);
        const char *list = large ? large : small;

        if (n < 0)
                return (int) n;
        for (const char *name = list; name < list + n; name += strlen(name) + 1) {
                bool caps = strcmp(name, "security.capability") == 0;
                int r = 1;

                if (!(has(c, TREE_COPY_NO_PRIVILEGE) && tree_attribute_is_privileged(name)) &&
                    (same_owner || strncmp(name, "system.", 7) != 0))
                        r = copy_xattr(c, fd_path(from, from_path), fd_path(to, to_path), name);
                if (r > 0)
                        c->count->no_capabilities += caps;
                else if (r < 0 && is_dispensable(c, name, r))
                        (void) failure_set(c->options->warning, r, "Failed to copy the attribute '%s' of %s/%s, ignoring it and "
                                           "others like it: %m", name, c->where, path);
                else if (r < 0)
                        return failure_set(failure, r, "Failed to copy the attribute '%s' of %s/%s: %m", name, c->where,
                                           path);
        }
        return 0;
}

/* 1: it has another owner in the copy. */
static int map_owner(const TreeCopy *c, const struct stat *st, uid_t *ret_uid, gid_t *ret_gid)
{
        int u = 0, g = 0;

        *ret_uid = st->st_uid;
        *ret_gid = st->st_gid;
        if (c->options->map) {
                u = c->options->map(c->options->userdata, false, st->st_uid, ret_uid);
                g = c->options->map(c->options->userdata, true, st->st_gid, ret_gid);
        }
        return u < 0 ? u : g < 0 ? g : u || g;
}

static mode_t copied_mode(TreeCopy *c, const struct stat *st, bool same_owner)
{
        mode_t set_id = st->st_mode & (S_ISUID | S_ISGID);

        /* On a directory, set-group-ID only says which group new files have. */
        if (S_ISDIR(st->st_mode) || set_id == 0 || (same_owner && !has(c, TREE_COPY_NO_PRIVILEGE)))
                return st->st_mode & 07777;
        c->count->no_set_id++;
        return st->st_mode & 01777;
}

/* Owner first: a change of it clears set-user-id bits and file capabilities. Times last: all else changes them. */
static int copy_attributes(TreeCopy *c, int from, int to, bool by_path, const char *path, const struct stat *st, Failure *failure)
{
        const struct timespec times[] = { st->st_atim, st->st_mtim };
        char to_path[FD_PATH_MAX];
        uid_t uid;
        gid_t gid;
        int r, other;

        other = map_owner(c, st, &uid, &gid);
        if (other < 0)
                return failure_set(failure, other, "Failed to give %s/%s an owner: %u:%u has no counterpart there",
                                   c->where, path, st->st_uid, st->st_gid);
        r = RET_ERRNO(by_path ? fchownat(to, "", uid, gid, AT_EMPTY_PATH) : fchown(to, uid, gid));
        if (r >= 0 && !S_ISLNK(st->st_mode)) {
                mode_t mode = copied_mode(c, st, !other);

                r = RET_ERRNO(by_path ? chmod(fd_path(to, to_path), mode) : fchmod(to, mode));
        }
        if (r >= 0)
                r = copy_xattrs(c, from, by_path, to, path, !other, failure);
        if (r < 0)
                return r;
        return RET_ERRNO(by_path ? utimensat(AT_FDCWD, fd_path(to, to_path), times, 0) : futimens(to, times));
}

/* ---- data ------------------------------------------------------------------------------------------------- */

/* In the kernel: by copy_file_range(2), which a network file system does on its server, or by sendfile(2), which works between
 * any two file systems. */
static ssize_t copy_chunk(TreeCopy *c, int from, int to, off_t *offset, size_t size)
{
        off_t to_offset = *offset;
        ssize_t n = -1;

        if (!c->no_range) {
                n = copy_file_range(from, offset, to, &to_offset, size, 0);
                if (n >= 0 || (errno != EXDEV && errno != EINVAL && errno != EOPNOTSUPP && errno != ENOSYS && errno != EPERM))
                        return n < 0 ? -errno : n;
                c->no_range = errno == EXDEV || errno == EOPNOTSUPP || errno == ENOSYS;
        }

        if (lseek(to, *offset, SEEK_SET) < 0)
                return -errno;
        n = sendfile(to, from, offset, size);
        return n < 0 ? -errno : n;
}

/* 1: it has become shorter meanwhile. */
static int copy_segment(TreeCopy *c, int from, int to, off_t offset, off_t end)
{
        while (offset < end) {
                ssize_t n;

                if (is_stopped(c))
                        return -EINTR;
                n = copy_chunk(c, from, to, &offset, end - offset < CHUNK ? (size_t) (end - offset) : CHUNK);
                if (n <= 0)
                        return n < 0 ? (int) n : 1;
                c->count->bytes += (uint64_t) n;
        }
        return 0;
}

/* size 0: to the end, of files in /proc, whose size is not known. */
static int copy_buffered(TreeCopy *c, int from, int to, off_t size)
{
        for (off_t done = 0; size == 0 || done < size;) {
                ssize_t n = read(from, c->buffer, sizeof(c->buffer));
                int r;

                if (n < 0)
                        return -errno;
                if (n == 0)
                        return 0;
                r = fd_write_all(to, c->buffer, (size_t) n);
                if (r < 0)
                        return r;
                done += n;
                c->count->bytes += (uint64_t) n;
                if (is_stopped(c))
                        return -EINTR;
        }
        return 0;
}

/* Holes stay holes. */
static int copy_sparse(TreeCopy *c, int from, int to, off_t size)
{
        off_t data = 0, hole;
        int r;

        while (data < size) {
                data = lseek(from, data, SEEK_DATA);
                if (data < 0 && errno == ENXIO)
                        break;
                hole = data < 0 ? data : lseek(from, data, SEEK_HOLE);
                if (hole < 0)
                        return -errno;
                r = copy_segment(c, from, to, data, hole < size ? hole : size);
                if (r != 0)
                        return r < 0 ? r : 0;
                data = hole;
        }
        return RET_ERRNO(ftruncate(to, size));
}

static bool share_data(TreeCopy *c, int from, int to, dev_t from_dev, dev_t to_dev, off_t size)
{
        if (c->slow_from != from_dev || c->slow_to != to_dev) {
                c->slow_from = from_dev;
                c->slow_to = to_dev;
                c->no_clone = c->no_range = false;
        }
        if (c->no_clone || size == 0)
                return false;
        if (ioctl(to, FICLONE, from) >= 0) {
                c->count->bytes += (uint64_t) size;
                return true;
        }
        c->no_clone = errno == EXDEV || errno == EOPNOTSUPP || errno == ENOTTY || errno == ENOSYS;
        return false;
}

static int copy_data(TreeCopy *c, int from, int to, dev_t to_dev, const struct stat *st)
{
        off_t size = st->st_size;
        int r;

        if (share_data(c, from, to, st->st_dev, to_dev, size))
                return 0;
        /* A file in /sys has a size and no blocks. */
        if (size <= SMALL && (st->st_blocks * 512 >= size || size <= 4096))
                return copy_buffered(c, from, to, size);
        if (st->st_blocks * 512 >= size) {
                r = copy_segment(c, from, to, 0, size);
                return r < 0 ? r : 0;
        }
        return copy_sparse(c, from, to, size);
}

/* ---- one entry of a directory ------------------------------------------------------------------------------ */

/* A directory of both trees, and its path below the root ("" for itself), for messages and for hard links. */
typedef struct Place {
        int from, to;
        dev_t from_dev, to_dev;
        const char *path;
        unsigned depth;
} Place;

/* A file that is being copied. */
typedef struct Entry {
        int from;                       /* O_PATH */
        struct stat st;
        const Place *place;
        const char *name;               /* in place->to: its own, or a temporary one */
        const char *path;               /* its own in the copy */
} Entry;

static int copy_directory(TreeCopy *c, const Place *place, bool with_attributes, Failure *failure);

static LinkBucket *link_bucket(TreeCopy *c, const struct stat *st)
{
        return &c->links[st->st_ino % LINK_BUCKETS];
}

/* By descriptor and checked: in a live tree, the name may have become another file's. Then the file is copied anew. */
static int link_to(const TreeCopy *c, const LinkEntry *l, const Entry *e)
{
        const struct open_how how = {
                .flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
                .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
        };
        _cleanup_close_ int fd = (int) syscall(SYS_openat2, c->dest_fd, l->path, &how, sizeof(how));
        char link[FD_PATH_MAX];
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0 || st.st_dev != l->to_dev || st.st_ino != l->to_ino)
                return 0;
        return linkat(AT_FDCWD, fd_path(fd, link), e->place->to, e->name, AT_SYMLINK_FOLLOW) < 0 ? -errno : 1;
}

/* 1 where another name of the file was copied before, and this one was made a link to it. */
static int link_to_earlier(TreeCopy *c, const Entry *e)
{
        const LinkBucket *b = link_bucket(c, &e->st);

        for (size_t i = 0; i < b->n; i++)
                if (b->entries[i].dev == e->st.st_dev && b->entries[i].ino == e->st.st_ino)
                        return link_to(c, b->entries + i, e);
        return 0;
}

static int remember_link(TreeCopy *c, const Entry *e, int to)
{
        LinkBucket *b = link_bucket(c, &e->st);
        struct stat st;
        LinkEntry *l;

        if (fstat(to, &st) < 0)
                return -errno;
        l = array_append(&b->entries, &b->n, sizeof(*l));
        if (!l)
                return -ENOMEM;
        *l = (LinkEntry) { .dev = e->st.st_dev, .ino = e->st.st_ino, .to_dev = st.st_dev, .to_ino = st.st_ino };
        return free_and_strdup(&l->path, e->path);
}

/* A regular file, with all of it. */
static int copy_file(TreeCopy *c, const Entry *e, int to, Failure *failure)
{
        _cleanup_close_ int from = fd_reopen(e->from, O_RDONLY | O_NONBLOCK | O_NOCTTY);
        int r;

        if (from < 0)
                return from;
        r = copy_data(c, from, to, e->place->to_dev, &e->st);
        return r < 0 ? r : copy_attributes(c, from, to, /* by_path= */ false, e->path, &e->st, failure);
}

static int make_link(const Entry *e)
{
        char target[PATH_MAX];
        ssize_t n = readlinkat(e->from, "", target, sizeof(target) - 1);

        if (n < 0)
                return -errno;
        target[n] = 0;
        return RET_ERRNO(symlinkat(target, e->place->to, e->name));
}

/* Creates the file: a descriptor. -EEXIST: the name is in use. */
static int make_file(const Entry *e)
{
        const mode_t mode = e->st.st_mode & S_IFMT;
        int r;

        if (mode == S_IFREG)
                return RET_ERRNO(openat(e->place->to, e->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
        r = mode == S_IFLNK ? make_link(e) : RET_ERRNO(mknodat(e->place->to, e->name, mode | 0600, e->st.st_rdev));
        if (r < 0)
                return r;
        return RET_ERRNO(openat(e->place->to, e->name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
}

/* Creates the file at its name, or nothing. */
static int put(TreeCopy *c, const Entry *e, Failure *failure)
{
        _cleanup_close_ int to = -EBADF;
        int r;

        if (e->st.st_nlink > 1) {
                r = link_to_earlier(c, e);
                if (r != 0)
                        return r;
        }
        to = make_file(e);
        if (to < 0)
                return to;
        if (S_ISREG(e->st.st_mode))
                r = copy_file(c, e, to, failure);
        else
                r = copy_attributes(c, e->from, to, /* by_path= */ true, e->path, &e->st, failure);
        if (r >= 0 && e->st.st_nlink > 1)
                r = remember_link(c, e, to);
        if (r < 0)
                c->removed = unlinkat(e->place->to, e->name, 0) >= 0;
        return r;
}

/* Under another name, which then takes the place of what is there. */
static int replace(TreeCopy *c, Entry *e, Failure *failure)
{
        const char *name = e->name;
        char temporary[32];
        uint64_t number;
        int r;

        if (getrandom(&number, sizeof(number), 0) != sizeof(number))
                return -errno;
        (void) snprintf(temporary, sizeof(temporary), ".#box-%016" PRIx64, number);
        e->name = temporary;
        r = put(c, e, failure);
        if (r < 0)
                return r;
        r = RET_ERRNO(renameat(e->place->to, temporary, e->place->to, name));
        /* Both names are of one file: rename(2) does nothing then. */
        if (r < 0 || e->st.st_nlink > 1)
                (void) unlinkat(e->place->to, temporary, 0);
        return r;
}

/* A copy that lies in its source does not copy itself. */
static void skip(TreeCopy *c, int fd)
{
        struct stat st;

        if (fd >= 0 && fstat(fd, &st) >= 0) {
                c->skip_dev = st.st_dev;
                c->skip_ino = st.st_ino;
        }
}

/* 1: it is new. */
static int make_directory(const TreeCopy *c, const Place *parent, const char *name, int *ret)
{
        int r = RET_ERRNO(mkdirat(parent->to, name, 0700)), fd;

        if (r < 0 && !(r == -EEXIST && has(c, TREE_COPY_MERGE)))
                return r;
        fd = openat(parent->to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return r < 0 && (errno == ENOTDIR || errno == ELOOP) ? -EEXIST : -errno;
        *ret = fd;
        return r < 0 ? 0 : 1;
}

static int copy_subdirectory(TreeCopy *c, const Entry *e, Failure *failure)
{
        Place place = { .path = e->path, .depth = e->place->depth + 1 };
        _cleanup_close_ int from = -EBADF, to = -EBADF;
        int created;

        if (place.depth > DEPTH_MAX)
                return failure_set(failure, -ELOOP, "Failed to copy %s/%s: more than %d nested directories", c->where,
                                   e->path, DEPTH_MAX);
        from = fd_reopen(e->from, O_RDONLY | O_DIRECTORY);
        if (from < 0)
                return from;
        created = make_directory(c, e->place, e->name, &to);
        if (created < 0)
                return created;
        if (place.depth == 1 && c->options->skip_fd < 0)
                skip(c, to);

        place.from = from;
        place.to = to;
        return copy_directory(c, &place, created > 0, failure);
}

/* Of mounts below the source that show the kernel's state. */
static bool is_api(int fd)
{
        static const uint64_t types[] = {
                PROC_SUPER_MAGIC, SYSFS_MAGIC, CGROUP2_SUPER_MAGIC, CGROUP_SUPER_MAGIC, DEVPTS_SUPER_MAGIC, SECURITYFS_MAGIC,
                DEBUGFS_MAGIC, TRACEFS_MAGIC, BPF_FS_MAGIC, PSTOREFS_MAGIC, SELINUX_MAGIC, EFIVARFS_MAGIC, BINFMTFS_MAGIC,
                0x19800202 /* mqueue */, 0x62656570 /* configfs */, 0x65735543 /* fusectl */,
        };
        struct statfs fs;

        if (fstatfs(fd, &fs) < 0)
                return false;
        for (size_t i = 0; i < ARRAY_SIZE(types); i++)
                if ((uint64_t) fs.f_type == types[i])
                        return true;
        return false;
}

static bool is_left_out(TreeCopy *c, const Entry *e)
{
        const mode_t mode = e->st.st_mode;

        if (c->skip_ino && e->st.st_ino == c->skip_ino && e->st.st_dev == c->skip_dev)
                return true;
        if (has(c, TREE_COPY_NO_PRIVILEGE) && (S_ISCHR(mode) || S_ISBLK(mode))) {
                c->count->no_devices++;
                return true;
        }
        if (has(c, TREE_COPY_NO_API) && e->place->depth > 0 && e->st.st_dev != e->place->from_dev && is_api(e->from)) {
                c->count->no_api++;
                return true;
        }
        return false;
}

static int copy_entry(TreeCopy *c, Entry *e, Failure *failure)
{
        int r;

        if (fstat(e->from, &e->st) < 0)
                return -errno;
        if (is_left_out(c, e))
                return 0;
        if (is_stopped(c))
                return -EINTR;
        if (S_ISDIR(e->st.st_mode))
                return copy_subdirectory(c, e, failure);
        r = put(c, e, failure);
        if (r == -EEXIST && has(c, TREE_COPY_REPLACE))
                r = replace(c, e, failure);
        c->count->files += r >= 0;
        return r;
}

static int name_failure(const TreeCopy *c, int r, const char *path, Failure *failure)
{
        const char *removed = c->removed ? "; the incomplete file was removed" : "";

        if (r == -EEXIST && has(c, TREE_COPY_MERGE))
                return failure_set(failure, r, "%s/%s exists already", c->where, path);
        if (r < 0 && r != -EINTR)
                return failure_set(failure, r, "Failed to copy %s/%s: %m%s", c->where, path, removed);
        return r;
}

static int copy_name(TreeCopy *c, const Place *place, const char *name, Failure *failure)
{
        _cleanup_free_ char *path = NULL;
        _cleanup_close_ int from = RET_ERRNO(openat(place->from, name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
        Entry e = { .from = from, .place = place, .name = name };
        int r;

        if (strf(&path, "%s%s%s", place->path, *place->path ? "/" : "", name) < 0)
                return -ENOMEM;
        e.path = path;
        r = from < 0 ? from : copy_entry(c, &e, failure);
        if (r == -EEXIST && has(c, TREE_COPY_KEEP))
                return 0;
        return name_failure(c, r, path, failure);
}

/* Looks at the two directories, and asks whether we may write here. */
static int look_at_place(const TreeCopy *c, Place *place, struct stat *ret_source)
{
        struct stat to;

        if (fstat(place->from, ret_source) < 0 || fstat(place->to, &to) < 0)
                return -errno;
        place->from_dev = ret_source->st_dev;
        place->to_dev = to.st_dev;
        return c->options->may_write ? c->options->may_write(c->options->userdata, &to) : 0;
}

/* Its own attributes come last: entries change its times, and its mode may not allow to create them. */
static int copy_directory(TreeCopy *c, const Place *directory, bool with_attributes, Failure *failure)
{
        Place place = *directory;
        struct stat st;
        int fd, r = look_at_place(c, &place, &st);
        _cleanup_closedir_ DIR *dir = NULL;
        struct dirent *e;

        if (r < 0)
                return r;
        fd = openat(place.from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        dir = fd < 0 ? NULL : fdopendir(fd);
        if (!dir) {
                r = -errno;
                fd_close(fd);
                return r;
        }

        while ((errno = 0, e = readdir(dir))) {
                if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
                        continue;
                r = copy_name(c, &place, e->d_name, failure);
                if (r < 0)
                        return r;
        }
        if (errno != 0)
                return -errno;
        return with_attributes ? copy_attributes(c, place.from, place.to, false, place.path, &st, failure) : 0;
}

/* ---- the copy --------------------------------------------------------------------------------------------- */

int tree_copy_new(int dest_fd, const TreeCopyOptions *options, TreeCopy **ret, Failure *failure)
{
        TreeCopy *c = calloc(1, sizeof(TreeCopy));

        if (!c)
                return failure_set(failure, -ENOMEM, "Out of memory");
        c->dest_fd = dest_fd;
        c->options = options;
        c->count = options->count ?: &c->own_count;
        c->where = options->where ?: "";
        *ret = c;
        return 0;
}

static int copy_contents(TreeCopy *c, int source_fd, Failure *failure)
{
        _cleanup_close_ int from = openat(source_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        const Place place = { .from = from, .to = c->dest_fd, .path = "", .depth = 1 };

        if (from < 0)
                return -errno;
        if (c->options->skip_fd < 0)
                skip(c, c->dest_fd);
        return copy_directory(c, &place, !has(c, TREE_COPY_MERGE), failure);
}

static int copy_one(TreeCopy *c, int source_fd, const char *name, Failure *failure)
{
        Place place = { .from = -EBADF, .to = c->dest_fd, .path = "" };
        Entry e = { .from = source_fd, .place = &place, .name = name, .path = name };
        struct stat to;
        int r;

        if (fstat(c->dest_fd, &to) < 0)
                return -errno;
        place.to_dev = to.st_dev;
        r = c->options->may_write ? c->options->may_write(c->options->userdata, &to) : 0;
        return r < 0 ? r : copy_entry(c, &e, failure);
}

int tree_copy_add(TreeCopy *c, int source_fd, const char *name, Failure *failure)
{
        int r;

        c->removed = false;
        c->skip_ino = 0;
        skip(c, c->options->skip_fd);
        r = *name ? copy_one(c, source_fd, name, failure) : copy_contents(c, source_fd, failure);
        return name_failure(c, r, name, failure);
}

void tree_copy_free(TreeCopy *c)
{
        for (size_t i = 0; i < LINK_BUCKETS; i++) {
                for (size_t j = 0; j < c->links[i].n; j++)
                        free(c->links[i].entries[j].path);
                free(c->links[i].entries);
        }
        free(c);
}

int tree_copy(int source_fd, int dest_fd, const TreeCopyOptions *options, Failure *failure)
{
        _cleanup_(tree_copy_freep) TreeCopy *c = NULL;
        int r;

        r = tree_copy_new(dest_fd, options, &c, failure);
        return r < 0 ? r : tree_copy_add(c, source_fd, "", failure);
}
