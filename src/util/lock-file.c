/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Lock files (see lock-file.h). The supervisor; silent. A file can be removed between open and lock: its link count is
 * 0 then, and both are tried again.
 */

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/fd.h"
#include "util/lock-file.h"
#include "util/print.h"
#include "util/text.h"

/* Each retry: another holder has removed the file. */
enum { LOCK_RETRIES = 100 };

/* A shared holder that ends locks the file exclusively for a moment. Another one waits for that for so many
 * milliseconds. */
enum { LEAVING_TRIES = 5 };

static int lock_fd(int fd, unsigned flags)
{
        struct flock lock = {
                .l_type = flags & LOCK_FILE_SHARED ? F_RDLCK : F_WRLCK,
                .l_whence = SEEK_SET,
        };
        int r;

        do
                r = RET_ERRNO(fcntl(fd, flags & LOCK_FILE_WAIT ? F_OFD_SETLKW : F_OFD_SETLK, &lock));
        while (r == -EINTR);

        return r == -EACCES || r == -EAGAIN ? -EBUSY : r;
}

int lock_file_take(const char *path, unsigned flags, LockFile *ret)
{
        _cleanup_free_ char *copy = strdup(path);

        if (!copy)
                return -ENOMEM;

        for (unsigned i = 0; i < LOCK_RETRIES; i++) {
                _cleanup_close_ int fd = -EBADF;
                struct stat st;
                int r;

                fd = open(path, O_RDWR | O_CREAT | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
                if (fd < 0)
                        return -errno;
                r = lock_fd(fd, flags);
                if (r == -EBUSY && flags & LOCK_FILE_SHARED && i < LEAVING_TRIES) {
                        (void) poll(NULL, 0, /* timeout= */ 1);
                        continue;
                }
                if (r < 0)
                        return r;
                if (fstat(fd, &st) < 0)
                        return -errno;
                if (!S_ISREG(st.st_mode))
                        return -EBADFD;
                if (st.st_nlink > 0) {
                        *ret = (LockFile) { TAKE_FD(fd), TAKE_PTR(copy) };
                        return 0;
                }
        }

        return -EBUSY;
}

bool lock_file_read_holder(const char *path, char ret[static LOCK_FILE_HOLDER_MAX])
{
        struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
        _cleanup_close_ int fd = open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        ssize_t n;

        if (fd < 0 || fcntl(fd, F_OFD_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
                return false;
        n = pread(fd, ret, LOCK_FILE_HOLDER_MAX - 1, 0);
        ret[n > 0 ? n : 0] = 0;
        text_make_printable(ret);
        return true;
}

int lock_file_write_holder(const LockFile *l, const char *name)
{
        int r = RET_ERRNO(ftruncate(l->fd, 0));

        return r < 0 ? r : fd_write_all(l->fd, name, strlen(name));
}

void lock_file_release(LockFile *l)
{
        /* Fails while another holder shares the lock. */
        if (l->fd >= 0 && lock_fd(l->fd, 0) >= 0)
                (void) unlink(l->path);
        fd_close(l->fd);
        free(l->path);
        *l = (LockFile) LOCK_FILE_NULL;
}

void lock_file_remove_left(const char *dir)
{
        _cleanup_closedir_ DIR *d = opendir(dir);
        struct dirent *e;

        while (d && (e = readdir(d))) {
                LockFile lock = LOCK_FILE_NULL;
                _cleanup_free_ char *path = NULL;

                if (e->d_type == DT_REG && strf(&path, "%s/%s", dir, e->d_name) >= 0 && lock_file_take(path, 0, &lock) >= 0)
                        lock_file_release(&lock);
        }
}
