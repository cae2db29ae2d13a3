/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Search for a machine's tree (see image.h), in machined's order. boxctl and the supervisor, as root, before anything
 * is changed. A tree is opened once and used by that descriptor, so that a later change of a link has no effect.
 */

#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/image.h"
#include "image/machine-name.h"
#include "util/fd.h"
#include "util/parse.h"
#include "util/print.h"
#include "util/strv.h"

#define RAW_SUFFIX ".raw"

static const char *const default_dirs[] = {
        "/etc/machines",
        "/run/machines",
        "/var/lib/machines",
        "/var/lib/container",
        "/usr/local/lib/machines",
        "/usr/lib/machines",
        NULL,
};

void image_done(Image *i)
{
        free(i->name);
        free(i->path);
        free(i->found);
        fd_close(i->fd);
        *i = (Image) { .fd = -EBADF };
}

void image_list_free(Image *images, size_t n)
{
        for (size_t i = 0; i < n; i++)
                image_done(&images[i]);
        free(images);
}

/* The path of an open descriptor, with all symbolic links resolved. */
static int path_of(int fd, char **ret)
{
        char link[FD_PATH_MAX], path[PATH_MAX];
        ssize_t n = readlink(fd_path(fd, link), path, sizeof(path) - 1);

        if (n < 0)
                return -errno;
        path[n] = 0;
        if (path[0] != '/')
                return -EXDEV;          /* not reachable from this root */

        *ret = strdup(path);
        return *ret ? 0 : -ENOMEM;
}

/* Splits a path into a descriptor of its parent directory, which is relative to dir_fd, and its last part. -EINVAL if
 * it does not end in a name. */
static int split_path(const char *path, char **ret_dir, char **ret_name)
{
        _cleanup_free_ char *copy = strdup(path), *dir = NULL;
        size_t n = strlen(path);
        char *slash, *name;

        if (!copy)
                return -ENOMEM;
        while (n > 1 && copy[n - 1] == '/')
                copy[--n] = 0;
        slash = strrchr(copy, '/');
        name = slash ? slash + 1 : copy;
        if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
                return -EINVAL;

        dir = !slash ? strdup(".") : slash == copy ? strdup("/") : strndup(copy, (size_t) (slash - copy));
        *ret_name = dir ? strdup(name) : NULL;
        if (!*ret_name)
                return -ENOMEM;
        *ret_dir = TAKE_PTR(dir);
        return 0;
}

/* Joins the two again, with the links of the directory's path resolved. */
static int join_path(int dir_fd, const char *dir, const char *name, char **ret)
{
        _cleanup_close_ int fd = openat(dir_fd, dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
        _cleanup_free_ char *parent = NULL;
        int r = fd < 0 ? -errno : path_of(fd, &parent);

        if (r < 0)
                return r;
        if (strf(ret, "%s/%s", strcmp(parent, "/") == 0 ? "" : parent, name) < 0)
                return -ENOMEM;
        return 0;
}

/* The image's path with a link as its last part kept; `resolved` if path does not end in a name. */
static int found_path(int dir_fd, const char *path, const char *resolved, char **ret)
{
        _cleanup_free_ char *dir = NULL, *name = NULL;
        int r = split_path(path, &dir, &name);

        if (r == -EINVAL)
                return free_and_strdup(ret, resolved);
        return r < 0 ? r : join_path(dir_fd, dir, name, ret);
}

/* The name of a machine by the last part of its image's path, for a disk image without ".raw". */
static char *name_of(const char *path, ImageKind kind)
{
        const char *base = strrchr(path, '/') + 1;
        size_t n = strlen(base), suffix = strlen(RAW_SUFFIX);

        if (kind == IMAGE_RAW && n > suffix && strcmp(base + n - suffix, RAW_SUFFIX) == 0)
                n -= suffix;
        return strndup(base, n);
}

static int refuse_open(int r, int dir_fd, const char *path, const char *shown, Failure *failure)
{
        struct stat st;

        if (r == -ENOENT && fstatat(dir_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0)
                return failure_set(failure, r, "%s is a symbolic link to nothing", shown);
        return failure_set(failure, r, "Failed to open the tree %s: %m", shown);
}

/* Opens an image of any kind; failures call it `shown`. */
static int open_image_at(int dir_fd, const char *path, const char *shown, const char *name, Image *ret,
                         Failure *failure)
{
        _cleanup_(image_done) Image i = { .fd = -EBADF };
        struct stat st;
        int r;

        i.fd = openat(dir_fd, path, O_PATH | O_CLOEXEC);
        if (i.fd < 0)
                return refuse_open(-errno, dir_fd, path, shown, failure);
        if (fstat(i.fd, &st) < 0)
                return failure_set(failure, -errno, "Failed to stat %s: %m", shown);

        if (S_ISDIR(st.st_mode))
                i.kind = IMAGE_DIRECTORY;
        else if (S_ISREG(st.st_mode))
                i.kind = IMAGE_RAW;
        else if (S_ISBLK(st.st_mode))
                i.kind = IMAGE_BLOCK;
        else
                return failure_set(failure, -ENOTDIR, "%s is neither a directory nor a disk image", shown);
        /* Root could write to it, but its owner made it read-only. */
        i.read_only = i.kind == IMAGE_RAW && !(st.st_mode & 0222);

        r = path_of(i.fd, &i.path);
        if (r >= 0)
                r = found_path(dir_fd, path, i.path, &i.found);
        if (r < 0)
                return failure_set(failure, r, "Failed to get the path of %s: %m", shown);
        if (strcmp(i.path, "/") == 0) {
                if (name)
                        return failure_set(failure, -EINVAL, "%s is the host's own root directory", shown);
                name = "host";
        }

        i.name = name ? strdup(name) : name_of(i.found, i.kind);
        if (!i.name)
                return failure_set(failure, -ENOMEM, "Out of memory");

        *ret = i;
        i = (Image) { .fd = -EBADF };
        return 0;
}

/* Moves *from to *ret, unless it is of the wrong kind. */
static int take(Image *from, bool right, const char *wrong, Image *ret, Failure *failure)
{
        if (!right)
                return failure_set(failure, from->kind == IMAGE_DIRECTORY ? -EISDIR : -ENOTDIR, "%s is a %s, %s",
                                   from->path, from->kind == IMAGE_DIRECTORY ? "directory" :
                                               from->kind == IMAGE_RAW       ? "file" : "block device", wrong);
        *ret = *from;
        *from = (Image) { .fd = -EBADF };
        return 0;
}

int image_open(const char *path, Image *ret, Failure *failure)
{
        _cleanup_(image_done) Image i = { .fd = -EBADF };
        int r;

        r = open_image_at(AT_FDCWD, path, path, /* name= */ NULL, &i, failure);
        if (r < 0)
                return r;
        return take(&i, i.kind == IMAGE_DIRECTORY, "not a directory; a disk image is given by --image=", ret, failure);
}

int image_open_disk(const char *path, Image *ret, Failure *failure)
{
        _cleanup_(image_done) Image i = { .fd = -EBADF };
        int r;

        r = open_image_at(AT_FDCWD, path, path, /* name= */ NULL, &i, failure);
        if (r < 0)
                return r;
        return take(&i, i.kind != IMAGE_DIRECTORY, "not a disk image; a directory is given by --directory=", ret, failure);
}

int image_name_new(const char *path, Image *ret, Failure *failure)
{
        _cleanup_(image_done) Image i = { .fd = -EBADF };
        _cleanup_free_ char *dir = NULL;
        int r;

        r = split_path(path, &dir, &i.name);
        if (r == -EINVAL)
                return failure_set(failure, r, "Invalid name for a new tree: '%s'", path);
        if (r < 0)
                return failure_set(failure, r, "Out of memory");
        r = join_path(AT_FDCWD, dir, i.name, &i.path);
        if (r < 0)
                return failure_set(failure, r, "Failed to open '%s', the directory for the new tree: %m", dir);
        i.found = strdup(i.path);
        if (!i.found)
                return failure_set(failure, -ENOMEM, "Out of memory");

        *ret = i;
        i = (Image) { .fd = -EBADF };
        return 0;
}

/* The machine whose name is nearest to a mistyped one; NULL if none is near. */
static const char *nearest(const char *name, const Image *images, size_t n)
{
        unsigned distance = UINT_MAX;
        const char *found = NULL;

        for (size_t i = 0; i < n; i++)
                text_nearer(name, images[i].name, &found, &distance);
        return found;
}

static int refuse_missing(const char *const *dirs, const char *name, Failure *failure)
{
        const char *first = dirs[0], *hint;
        Image *images = NULL;
        size_t n = 0;

        /* Names the usual directory if it is searched, else the first. */
        for (size_t i = 0; dirs[i]; i++)
                if (strcmp(dirs[i], "/var/lib/machines") == 0)
                        first = dirs[i];

        (void) image_list(dirs, &images, &n);
        hint = nearest(name, images, n);
        failure_set(failure, -ENOENT, "No machine '%s': %s has no such tree%s%s%s", name, first ? first : "",
                    hint ? "; did you mean '" : "", hint ? hint : "", hint ? "'?" : "");
        image_list_free(images, n);
        return -ENOENT;
}

/* 1, 0, or negative errno. */
static int is_there(const char *path)
{
        struct stat st;

        if (lstat(path, &st) == 0)
                return 1;
        return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
}

/* Looks in a search directory for the name with the suffix. 1 if it is found, 0 if not, or a failure. */
static int find_in_dir(const char *dir, const char *name, const char *suffix, Image *ret, Failure *failure)
{
        _cleanup_(image_done) Image i = { .fd = -EBADF };
        _cleanup_free_ char *path = NULL;
        int r;

        if (strf(&path, "%s/%s%s", dir, name, suffix) < 0)
                return failure_set(failure, -ENOMEM, "Out of memory");
        r = is_there(path);
        if (r == 0)
                return 0;
        if (r < 0)
                return failure_set(failure, r, "Failed to search for %s: %m", path);

        r = open_image_at(AT_FDCWD, path, path, name, &i, failure);
        if (r < 0)
                return r;
        if (*suffix && i.kind == IMAGE_DIRECTORY)
                return 0;               /* the tree of a machine whose name ends in the suffix */
        r = take(&i, *suffix || i.kind != IMAGE_RAW, "not a directory; a disk image is called NAME" RAW_SUFFIX, ret,
                 failure);
        return r < 0 ? r : 1;
}

int image_find(const char *const *dirs, const char *name, Image *ret, Failure *failure)
{
        const char *problem = machine_name_problem(name);

        if (problem)
                return failure_set(failure, -EINVAL, "Invalid machine name '%s': %s", name, problem);
        if (!dirs)
                dirs = default_dirs;

        for (const char *const *dir = dirs; *dir; dir++) {
                int r = find_in_dir(*dir, name, "", ret, failure);

                if (r == 0)
                        r = find_in_dir(*dir, name, RAW_SUFFIX, ret, failure);
                if (r != 0)
                        return r < 0 ? r : 0;
        }

        return refuse_missing(dirs, name, failure);
}

static bool is_listed(const Image *images, size_t n, const char *name)
{
        for (size_t i = 0; i < n; i++)
                if (strcmp(images[i].name, name) == 0)
                        return true;
        return false;
}

/* The name of a directory entry, not of a link's target. A file needs the suffix of disk images. */
static int name_listed(const char *entry, Image *i)
{
        size_t n = strlen(entry), suffix = strlen(RAW_SUFFIX);
        char *name;

        if (i->kind == IMAGE_RAW) {
                if (n <= suffix || strcmp(entry + n - suffix, RAW_SUFFIX) != 0)
                        return -EINVAL;
                n -= suffix;
        }
        name = strndup(entry, n);
        if (!name)
                return -ENOMEM;
        free(i->name);
        i->name = name;
        return 0;
}

/* Adds the machines of a directory that earlier directories do not have. */
static int list_dir(const char *path, Image **images, size_t *n)
{
        _cleanup_closedir_ DIR *dir = opendir(path);
        size_t before = *n;
        struct dirent *e;

        if (!dir)
                return errno == ENOENT || errno == ENOTDIR || errno == EACCES ? 0 : -errno;

        while ((errno = 0, e = readdir(dir))) {
                _cleanup_(image_done) Image i = { .fd = -EBADF };
                Image *item;

                if (!machine_name_is_valid(e->d_name) ||
                    open_image_at(dirfd(dir), e->d_name, e->d_name, /* name= */ NULL, &i, NULL) < 0 ||
                    name_listed(e->d_name, &i) < 0 || is_listed(*images, before, i.name))
                        continue;

                item = array_append(images, n, sizeof(Image));
                if (!item)
                        return -ENOMEM;
                i.fd = fd_close(i.fd);
                *item = i;
                i = (Image) { .fd = -EBADF };
        }

        return -errno;
}

static int by_name(const void *a, const void *b)
{
        return strcmp(((const Image *) a)->name, ((const Image *) b)->name);
}

int image_list(const char *const *dirs, Image **ret, size_t *ret_n)
{
        Image *images = NULL;
        size_t n = 0;

        for (const char *const *dir = dirs ? dirs : default_dirs; *dir; dir++) {
                int r = list_dir(*dir, &images, &n);

                if (r < 0) {
                        image_list_free(images, n);
                        return r;
                }
        }

        if (n > 0)
                qsort(images, n, sizeof(Image), by_name);
        *ret = images;
        *ret_n = n;
        return 0;
}
