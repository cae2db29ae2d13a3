/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Removal of trees (see tree-remove.h): every step is relative to an open directory, and no symbolic link is followed,
 * so that nothing outside is removed. The supervisor; with CAP_DAC_OVERRIDE, CAP_FOWNER and CAP_LINUX_IMMUTABLE: files
 * may have any owner and be immutable.
 */

#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/tree-remove.h"
#include "util/fd.h"

enum { DEPTH_MAX = 64 };

/* Clears chattr(1)'s "i" and "a", which prevent removal even by root. */
static void make_mutable(int fd)
{
        unsigned flags;

        if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0 || !(flags & (FS_IMMUTABLE_FL | FS_APPEND_FL)))
                return;
        flags &= ~(unsigned) (FS_IMMUTABLE_FL | FS_APPEND_FL);
        (void) ioctl(fd, FS_IOC_SETFLAGS, &flags);
}

static void make_mutable_at(int dir_fd, const char *name)
{
        _cleanup_close_ int fd = -EBADF;
        struct stat st;

        make_mutable(dir_fd);
        /* Other kinds are not opened: a device's driver would run. */
        if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)))
                return;
        fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (fd >= 0)
                make_mutable(fd);
}

static int unlink_at(int dir_fd, const char *name, int flags)
{
        if (unlinkat(dir_fd, name, flags) >= 0)
                return 0;
        if (errno != EPERM)
                return -errno;

        make_mutable_at(dir_fd, name);
        return RET_ERRNO(unlinkat(dir_fd, name, flags));
}

/* The mount of fd: mounts below a directory are not removed. */
static int mount_id(int fd, uint64_t *ret)
{
        struct statx st;

        if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &st) < 0)
                return -errno;
        *ret = st.stx_mnt_id;
        return 0;
}

/* State of one call of tree_remove(). */
typedef struct Removal {
        uint64_t mount;
        int top_fd;             /* the directory that is removed */
        unsigned n_moved;       /* deep directories that were moved up into it so far */
        unsigned n_names;       /* names that were tried for them */
} Removal;

static int remove_children(Removal *removal, int dir_fd, unsigned depth);

static int remove_directory(Removal *removal, int parent_fd, const char *name, unsigned depth)
{
        int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), r, q;
        uint64_t mount;

        if (fd < 0)
                return -errno;
        r = mount_id(fd, &mount);
        if (r >= 0 && mount != removal->mount)
                r = -EBUSY;
        if (r < 0) {
                fd_close(fd);
                return r;
        }

        if (depth == 0)
                removal->top_fd = fd;
        r = remove_children(removal, fd, depth + 1);
        q = unlink_at(parent_fd, name, AT_REMOVEDIR);
        return r < 0 ? r : q;
}

/* Moves it to the top, to be removed in a later turn: a hostile tree may be deeper than the limit of open files. */
static int move_up(Removal *removal, int dir_fd, const char *name)
{
        char moved[32];
        int r;

        do {
                (void) snprintf(moved, sizeof(moved), "box-deep-%u", removal->n_names++);
                r = RET_ERRNO(renameat(dir_fd, name, removal->top_fd, moved));
        } while (r == -EEXIST || r == -ENOTEMPTY || r == -ENOTDIR);
        if (r >= 0)
                removal->n_moved++;
        return r;
}

static int remove_entry(Removal *removal, int dir_fd, const char *name, unsigned depth)
{
        int r = unlink_at(dir_fd, name, 0);

        /* Linux returns EISDIR for a directory, and EPERM for an immutable one. */
        if (r != -EISDIR && r != -EPERM)
                return r;
        if (depth >= DEPTH_MAX)
                return move_up(removal, dir_fd, name);
        return remove_directory(removal, dir_fd, name, depth);
}

static int remove_once(Removal *removal, DIR *dir, unsigned depth)
{
        struct dirent *e;
        int r = 0, q;

        while ((errno = 0, e = readdir(dir))) {
                if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
                        continue;
                q = remove_entry(removal, dirfd(dir), e->d_name, depth);
                if (q < 0 && q != -ENOENT && r == 0)
                        r = q;
        }
        return r < 0 ? r : -errno;
}

/* Takes ownership of dir_fd. */
static int remove_children(Removal *removal, int dir_fd, unsigned depth)
{
        _cleanup_closedir_ DIR *dir = fdopendir(dir_fd);
        unsigned before;
        int r;

        if (!dir) {
                r = -errno;
                fd_close(dir_fd);
                return r;
        }

        do {
                before = removal->n_moved;
                rewinddir(dir);
                r = remove_once(removal, dir, depth);
        } while (depth == 1 && removal->n_moved > before);
        return r;
}

int tree_remove(int dir_fd, const char *name)
{
        Removal removal = { .top_fd = -EBADF };
        int r;

        r = mount_id(dir_fd, &removal.mount);
        return r < 0 ? r : remove_entry(&removal, dir_fd, name, 0);
}
