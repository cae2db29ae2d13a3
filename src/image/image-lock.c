/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The two locks on a tree in use (see image.h), as systemd-nspawn takes them, for it must meet the same files:
 *
 *   DIR/.#NAME.lck                                   beside the tree; seen by another host that shares the file system
 *   /run/systemd/nspawn/locks/inode-DEVICE:INODE     of the directory itself, under whatever path it is reached
 *
 * both by util/lock-file.h. The supervisor, as root, from before the first change to a tree until after the last.
 */

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "image/image.h"

void image_unlock(ImageLock *l)
{
        lock_file_release(&l->beside);
        lock_file_release(&l->inode);
}

static int refuse_lock(int error, const Image *i, const char *path, Failure *failure)
{
        if (error == -EBUSY)
                return failure_set(failure, error,
                                   "The tree %s is in use: another box-run or systemd-nspawn has locked it", i->path);
        return failure_set(failure, error, "Failed to lock %s: %m", path);
}

/* The default directory's parents are systemd's as well; who comes first makes them. */
static int make_lock_dir(const char *dir, Failure *failure)
{
        if (mkdir("/run/systemd/nspawn", 0755) < 0 && errno != EEXIST)
                return failure_set(failure, -errno, "Failed to make /run/systemd/nspawn: %m");
        if (mkdir(dir, 0700) < 0 && errno != EEXIST)
                return failure_set(failure, -errno, "Failed to make %s: %m", dir);
        return 0;
}

int image_lock(const Image *i, bool read_only, const char *lock_dir, ImageLock *ret, Failure *failure)
{
        static const char default_dir[] = "/run/systemd/nspawn/locks";
        _cleanup_(image_unlock) ImageLock l = IMAGE_LOCK_NULL;
        _cleanup_free_ char *beside = NULL, *inode = NULL;
        const unsigned flags = read_only ? LOCK_FILE_SHARED : 0;
        const char *slash = strrchr(i->path, '/');
        struct stat st;
        int r;

        /* Nobody has the host to himself. */
        if (!slash[1])
                return 0;
        if (fstat(i->fd, &st) < 0)
                return failure_set(failure, -errno, "Failed to look at %s: %m", i->path);
        if (asprintf(&beside, "%.*s/.#%s.lck", (int) (slash - i->path), i->path, slash + 1) < 0) {
                beside = NULL;
                return failure_set(failure, -ENOMEM, "Out of memory");
        }
        if (asprintf(&inode, "%s/inode-%lu:%lu", lock_dir ? lock_dir : default_dir,
                     (unsigned long) st.st_dev, (unsigned long) st.st_ino) < 0) {
                inode = NULL;
                return failure_set(failure, -ENOMEM, "Out of memory");
        }

        /* On a read-only file system nobody can lock, and nobody can do harm. */
        r = lock_file_take(beside, flags, &l.beside);
        if (r < 0 && r != -EROFS)
                return refuse_lock(r, i, beside, failure);

        if (!lock_dir) {
                r = make_lock_dir(default_dir, failure);
                if (r < 0)
                        return r;
        }
        r = lock_file_take(inode, flags, &l.inode);
        if (r < 0)
                return refuse_lock(r, i, inode, failure);

        *ret = l;
        l = (ImageLock) IMAGE_LOCK_NULL;
        return 0;
}
