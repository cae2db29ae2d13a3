/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Where a machine's .nspawn file is looked for, and how it is opened (see nspawn-file.h): systemd-nspawn's places in
 * systemd-nspawn's order, and the first hit is the only one. A file beside an image belongs to whoever made the image:
 * opening it must not wait (a FIFO), and what it says is not trusted. boxctl and the supervisor, as root.
 */

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "config/nspawn-file.h"
#include "util/fd.h"

/* Reads the file at path. 1, 0 where there is none, or a failure. */
static int read_file(const char *path, char **ret, size_t *ret_size, Failure *failure)
{
        _cleanup_close_ int fd = -EBADF;
        struct stat st;
        int r;

        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (fd < 0) {
                r = -errno;
                if (r == -ENOENT && lstat(path, &st) == 0)
                        return failure_set(failure, r, "Failed to open %s: it is a dangling symbolic link", path);
                if (r == -ENOENT || r == -ENOTDIR)
                        return 0;
                return failure_set(failure, r, "Failed to open %s: %m", path);
        }

        if (fstat(fd, &st) < 0)
                return failure_set(failure, -errno, "Failed to look at %s: %m", path);
        if (!S_ISREG(st.st_mode))
                return failure_set(failure, S_ISDIR(st.st_mode) ? -EISDIR : -EBADFD,
                                   "Failed to read %s: it is not a regular file", path);

        r = fd_read_all(fd, NSPAWN_FILE_MAX, ret, ret_size);
        if (r == -E2BIG)
                return failure_set(failure, r, "Failed to read %s: it is larger than %u KiB", path,
                                   NSPAWN_FILE_MAX / 1024);
        if (r < 0)
                return failure_set(failure, r, "Failed to read %s: %m", path);

        return 1;
}

/* Reads and parses the file at path. */
static int load_file(const char *path, bool trusted, Assignments *ret, Problems *problems, Failure *failure)
{
        _cleanup_(assignments_done) Assignments out = { .trusted = trusted };
        _cleanup_free_ char *text = NULL;
        size_t size;
        int r;

        r = read_file(path, &text, &size, failure);
        if (r <= 0)
                return r;
        r = nspawn_file_parse(path, text, size, &out, problems);
        if (r < 0)
                return failure_set(failure, r, "Failed to read %s: %m", path);

        *ret = out;
        out = (Assignments) { 0 };
        return 1;
}

int nspawn_file_load(const char *const *dirs, const char *machine, const char *image_path, bool trust_all,
                     Assignments *ret, Problems *problems, Failure *failure)
{
        static const char *const default_dirs[] = { "/etc/systemd/nspawn", "/run/systemd/nspawn", NULL };
        const char *slash = image_path ? strrchr(image_path, '/') : NULL;

        for (const char *const *dir = dirs ? dirs : default_dirs; *dir; dir++) {
                _cleanup_free_ char *path = NULL;
                int r;

                if (asprintf(&path, "%s/%s.nspawn", *dir, machine) < 0) {
                        path = NULL;
                        return failure_set(failure, -ENOMEM, "Out of memory");
                }
                r = load_file(path, /* trusted= */ true, ret, problems, failure);
                if (r != 0)
                        return r;
        }

        /* In the directory that the image lies in. "/" lies in none. */
        if (slash && slash[1]) {
                _cleanup_free_ char *path = NULL;

                if (asprintf(&path, "%.*s/%s.nspawn", (int) (slash - image_path), image_path, machine) < 0) {
                        path = NULL;
                        return failure_set(failure, -ENOMEM, "Out of memory");
                }
                return load_file(path, trust_all, ret, problems, failure);
        }

        return 0;
}
