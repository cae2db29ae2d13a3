/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Exposure of trees and binds (see exposure.h). The supervisor, while planning; some stat calls, no privilege. */

#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "image/exposure.h"
#include "util/fd.h"

/* May only root search it? Its owner could open it again. */
static bool is_closed(const struct stat *st)
{
        return st->st_uid == 0 && !(st->st_mode & S_IXOTH) && (st->st_gid == 0 || !(st->st_mode & S_IXGRP));
}

int exposure_find(int fd, char **ret)
{
        char link[FD_PATH_MAX], path[PATH_MAX];
        _cleanup_free_ char *nearest = NULL;
        struct statvfs fs;
        ssize_t n;

        if (fstatvfs(fd, &fs) < 0 || fs.f_flag & (ST_NOSUID | ST_RDONLY))
                return 0;
        n = readlink(fd_path(fd, link), path, sizeof(path) - 1);
        if (n <= 1 || path[0] != '/')
                return 0;
        path[n] = '\0';

        for (char *slash; (slash = strrchr(path, '/'));) {
                struct stat st;

                /* "/" is at the end of all paths. */
                slash[slash == path] = '\0';
                if (stat(path, &st) < 0 || is_closed(&st))
                        return 0;
                if (!nearest && !(nearest = strdup(path)))
                        return -ENOMEM;
                if (slash == path)
                        break;
        }
        *ret = TAKE_PTR(nearest);
        return 1;
}
