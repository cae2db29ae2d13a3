/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/types.h>

#include "util/macro.h"

/* Closes fd unless it is negative. Returns -EBADF, to reset a field in one assignment. Keeps errno. */
int fd_close(int fd);

static inline void fd_closep(int *fd)
{
        fd_close(*fd);
}

static inline void file_closep(FILE **f)
{
        if (*f)
                fclose(*f);
}

static inline void dir_closep(DIR **d)
{
        if (*d)
                closedir(*d);
}

#define _cleanup_close_ _cleanup_(fd_closep)
#define _cleanup_fclose_ _cleanup_(file_closep)
#define _cleanup_closedir_ _cleanup_(dir_closep)

/* Closes every descriptor from `from` on but those in keep (n of them, any order, negative ones ignored). System calls only,
 * so that a child can call it after clone(2). 0 or negative errno. */
int fd_close_all_but(int from, const int *keep, size_t n);

/* For the start of main: opens /dev/null with flags on those of descriptors 0 to 2 that are closed, so that no file or socket
 * opened later is taken for a standard stream. With O_RDONLY writes still fail; with O_RDWR output is discarded. 0 or
 * negative errno. */
int fd_secure_standard_streams(int flags);

/* Writes all of it, by several write(2) if need be. 0 or negative errno. */
int fd_write_all(int fd, const void *data, size_t size);

/* Reads until end of file, at most max bytes: -E2BIG where there are more. A NUL is added after the *ret_size bytes, which may
 * have NULs themselves. ret_size may be NULL. */
int fd_read_all(int fd, size_t max, char **ret, size_t *ret_size);

/* Reads the file at path, which is relative to dir_fd (or AT_FDCWD), as fd_read_all() does. Does not wait for a FIFO. */
int fd_read_file_at(int dir_fd, const char *path, size_t max, char **ret, size_t *ret_size);

/* Writes text to a file that exists, by one write(2) where the kernel takes it whole: for files of /proc, /sys and cgroups. */
int fd_write_file_at(int dir_fd, const char *path, const char *text);

/* Creates a directory of the host, unless it exists, and its missing parents with the mode 0755. For /run, where only root
 * creates files. 0 or negative errno. */
int fd_mkdir(const char *path, mode_t mode);

/* Opens a path of which no part is a symbolic link (-ELOOP), where users other than the caller may have put one. */
int fd_open_without_links(const char *path, int flags);

/* Opens /proc/self/fd/FD again with other flags: a descriptor opened with O_PATH and then checked
 * becomes one that can be read or written. */
int fd_reopen(int fd, int flags);

/* Text "/proc/self/fd/N" for calls that only take a path. buf is at least FD_PATH_MAX bytes. */
#define FD_PATH_MAX 40
const char *fd_path(int fd, char buf[static FD_PATH_MAX]);

/* Sets or clears O_NONBLOCK. */
int fd_nonblock(int fd, bool on);
