/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Opens and reads settings files (see nspawn-file.h). A file beside an image is not trusted, so opening it must not
 * block (on a FIFO), and its size is limited. boxctl and the supervisor, as root.
 */

#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "config/nspawn-file.h"
#include "util/fd.h"

static int cannot(Problems *problems, const char *verb, const char *name, const char *why)
{
        return problem_error(problems, (Source) { 0 }, "Failed to %s %s: %s", verb, name, why);
}

/* 1 with the text; 0 if the file does not exist, or cannot be read, which is reported. */
static int read_text(const char *path, const char *name, char **ret_text, size_t *ret_size, Problems *problems)
{
        _cleanup_close_ int fd = -EBADF;
        struct stat st;
        int r;

        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (fd < 0) {
                r = -errno;
                if (r == -ENOENT && lstat(path, &st) == 0)
                        return cannot(problems, "open", name, "it is a dangling symbolic link");
                return r == -ENOENT || r == -ENOTDIR ? 0 : cannot(problems, "open", name, strerror(-r));
        }

        if (fstat(fd, &st) < 0)
                return cannot(problems, "stat", name, strerror(errno));
        /* A link to /dev/null masks lower-priority files, as in systemd. */
        if (!S_ISREG(st.st_mode) && !(S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3)))
                return cannot(problems, "read", name,
                              S_ISDIR(st.st_mode) ? "it is a directory" : "it is not a regular file");

        r = fd_read_all(fd, NSPAWN_FILE_MAX, ret_text, ret_size);
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                return cannot(problems, "read", name, r == -E2BIG ? "it is larger than " STRINGIFY(NSPAWN_FILE_MAX_KIB)
                                                                    " KiB" : strerror(-r));
        return 1;
}

int nspawn_file_read(const char *path, const char *name, bool trusted, Assignments *ret, Problems *problems)
{
        _cleanup_(assignments_done) Assignments out = { .trusted = trusted };
        size_t fatal_before = problems->n_fatal, size = 0;
        _cleanup_free_ char *text = NULL;
        int r;

        r = read_text(path, name, &text, &size, problems);
        if (r < 0)
                return r;
        if (r == 0)
                return problems->n_fatal > fatal_before ? NSPAWN_FILE_UNREADABLE : 0;

        r = nspawn_file_parse(name, text, size, &out, problems);
        if (r < 0)
                return r;
        *ret = out;
        out = (Assignments) { 0 };
        return 1;
}
