/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The two locks on a tree in use (see image.h), as systemd-nspawn takes them, for it must meet the same files:
 *
 *   DIR/.#NAME.lck                                   beside the tree; seen by another host that shares the file system
 *   /run/systemd/nspawn/locks/inode-DEVICE:INODE     of the directory itself, under whatever path it is reached
 *
 * both by OFD locks on whole files that are made when needed and removed by the last holder. A file can be removed
 * between our open and our lock, so that what we locked is no file any more: its link count tells, and we begin again.
 * The supervisor, as root, from before the first change to a tree until after the last.
 */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/image.h"
#include "util/fd.h"

/* Each retry means that another run has just ended. */
enum { LOCK_RETRIES = 100 };

static int lock_fd(int fd, bool shared)
{
        struct flock lock = {
                .l_type = shared ? F_RDLCK : F_WRLCK,
                .l_whence = SEEK_SET,
        };

        if (fcntl(fd, F_OFD_SETLK, &lock) < 0)
                return errno == EACCES || errno == EAGAIN ? -EBUSY : -errno;
        return 0;
}

/* A descriptor that holds the lock on the file at path. */
static int lock_file(const char *path, bool shared)
{
        for (unsigned i = 0; i < LOCK_RETRIES; i++) {
                _cleanup_close_ int fd = -EBADF;
                struct stat st;
                int r;

                fd = open(path, O_RDWR | O_CREAT | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
                if (fd < 0)
                        return -errno;
                r = lock_fd(fd, shared);
                if (r < 0)
                        return r;
                if (fstat(fd, &st) < 0)
                        return -errno;
                if (!S_ISREG(st.st_mode))
                        return -EBADFD;
                if (st.st_nlink > 0)
                        return TAKE_FD(fd);
        }

        return -EBUSY;
}

/* Lets go. The file goes too when nobody else holds it; a shared holder finds that out by asking for all of it. */
static int unlock_file(int fd, char *path)
{
        if (fd >= 0 && path && lock_fd(fd, /* shared= */ false) >= 0)
                (void) unlink(path);
        free(path);
        return fd_close(fd);
}

void image_unlock(ImageLock *l)
{
        l->beside_fd = unlock_file(l->beside_fd, TAKE_PTR(l->beside_path));
        l->inode_fd = unlock_file(l->inode_fd, TAKE_PTR(l->inode_path));
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
        const char *slash = strrchr(i->path, '/');
        struct stat st;
        int r;

        if (fstat(i->fd, &st) < 0)
                return failure_set(failure, -errno, "Failed to look at %s: %m", i->path);
        if (asprintf(&l.beside_path, "%.*s/.#%s.lck", (int) (slash - i->path), i->path, slash + 1) < 0) {
                l.beside_path = NULL;
                return failure_set(failure, -ENOMEM, "Out of memory");
        }
        if (asprintf(&l.inode_path, "%s/inode-%lu:%lu", lock_dir ? lock_dir : default_dir,
                     (unsigned long) st.st_dev, (unsigned long) st.st_ino) < 0) {
                l.inode_path = NULL;
                return failure_set(failure, -ENOMEM, "Out of memory");
        }

        /* On a read-only file system nobody can lock, and nobody can do harm. */
        l.beside_fd = lock_file(l.beside_path, read_only);
        if (l.beside_fd < 0 && l.beside_fd != -EROFS)
                return refuse_lock(l.beside_fd, i, l.beside_path, failure);

        if (!lock_dir) {
                r = make_lock_dir(default_dir, failure);
                if (r < 0)
                        return r;
        }
        l.inode_fd = lock_file(l.inode_path, read_only);
        if (l.inode_fd < 0)
                return refuse_lock(l.inode_fd, i, l.inode_path, failure);

        *ret = l;
        l = (ImageLock) IMAGE_LOCK_NULL;
        return 0;
}
