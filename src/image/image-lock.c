/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The two locks on a tree in use (see image.h), by util/lock-file.h, on the same files as systemd-nspawn:
 *
 *   DIR/.#NAME.lck                                   beside the tree or the disk image (its file's name, with ".raw"); seen
 *                                                    by other hosts that share the file system. Not in /dev
 *   /run/systemd/nspawn/locks/inode-DEVICE:INODE     of the directory or file itself, by whatever path it is reached
 *   /run/systemd/nspawn/locks/block-MAJOR:MINOR      of a block device
 *
 * The supervisor, as root, from before the first change to a tree until after the last.
 */

#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "image/image.h"
#include "util/fd.h"
#include "util/print.h"

static const char default_dir[] = "/run/systemd/nspawn/locks";

void image_unlock(ImageLock *l)
{
        lock_file_release(&l->beside);
        lock_file_release(&l->inode);
}

static int refuse_lock(int error, const Image *i, const char *path, Failure *failure)
{
        if (error == -EBUSY)
                return failure_set(failure, error, "The tree %s is in use: another program has locked it", i->path);
        return failure_set(failure, error, "Failed to lock %s: %m", path);
}

/* *ret NULL: it has none. */
static int beside_path(const Image *i, char **ret)
{
        const char *slash = strrchr(i->path, '/');

        *ret = NULL;
        /* A device belongs to this host only, and its directory to udev. */
        if (i->kind == IMAGE_BLOCK && strncmp(i->path, "/dev/", 5) == 0)
                return 0;
        return strf(ret, "%.*s/.#%s.lck", (int) (slash - i->path), i->path, slash + 1);
}

static int inode_path(const Image *i, const char *lock_dir, char **ret)
{
        struct stat st;

        if (fstat(i->fd, &st) < 0)
                return -errno;
        if (S_ISBLK(st.st_mode))
                return strf(ret, "%s/block-%u:%u", lock_dir, major(st.st_rdev), minor(st.st_rdev));
        return strf(ret, "%s/inode-%lu:%lu", lock_dir, (unsigned long) st.st_dev, (unsigned long) st.st_ino);
}

static int lock_beside(const Image *i, unsigned flags, LockFile *ret, Failure *failure)
{
        _cleanup_free_ char *path = NULL;
        int r = beside_path(i, &path);

        if (r < 0)
                return failure_set(failure, r, "Out of memory");
        if (!path)
                return 0;
        /* A read-only file system has no locks, and needs none: the tree cannot change. */
        r = lock_file_take(path, flags, ret);
        return r < 0 && r != -EROFS ? refuse_lock(r, i, path, failure) : 0;
}

static int lock_itself(const Image *i, unsigned flags, const char *lock_dir, LockFile *ret, Failure *failure)
{
        _cleanup_free_ char *path = NULL;
        int r = inode_path(i, lock_dir, &path);

        if (r < 0)
                return failure_set(failure, r, "Failed to stat %s: %m", i->path);
        r = lock_file_take(path, flags, ret);
        return r < 0 ? refuse_lock(r, i, path, failure) : 0;
}

int image_lock(const Image *i, bool read_only, const char *lock_dir, ImageLock *ret, Failure *failure)
{
        _cleanup_(image_unlock) ImageLock l = IMAGE_LOCK_NULL;
        const unsigned flags = read_only ? LOCK_FILE_SHARED : 0;
        int r;

        /* "/" is never locked: the host itself uses it. */
        if (strcmp(i->path, "/") == 0)
                return 0;
        r = lock_beside(i, flags, &l.beside, failure);
        if (r < 0)
                return r;
        if (!lock_dir) {
                lock_dir = default_dir;
                r = fd_mkdir(lock_dir, 0700);
                if (r < 0)
                        return failure_set(failure, r, "Failed to create %s: %m", lock_dir);
        }
        r = lock_itself(i, flags, lock_dir, &l.inode, failure);
        if (r < 0)
                return r;

        *ret = l;
        l = (ImageLock) IMAGE_LOCK_NULL;
        return 0;
}

bool image_is_locked(const Image *i, bool read_only, const char *lock_dir, pid_t *ret_holder)
{
        _cleanup_free_ char *beside = NULL, *inode = NULL;
        const unsigned flags = read_only ? LOCK_FILE_SHARED : 0;

        if (strcmp(i->path, "/") == 0)
                return false;
        if (inode_path(i, lock_dir ?: default_dir, &inode) >= 0 && lock_file_is_held(inode, flags, ret_holder))
                return true;
        return beside_path(i, &beside) >= 0 && beside && lock_file_is_held(beside, flags, ret_holder);
}
