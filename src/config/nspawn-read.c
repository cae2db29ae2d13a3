/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Opens and reads settings files (see nspawn-file.h). A file beside an image is not trusted, so opening it must not
 * block (on a FIFO), its size is limited, and no link is followed, which may lead to a file that only root can read. boxctl
 * and the supervisor, as root.
 */

#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "config/nspawn-file.h"
#include "util/fd.h"

static int cannot(Problems *problems, const char *verb, const char *name, const char *why)
{
        return problem_error(problems, (Source) { 0 }, "Failed to %s %s: %s", verb, name, why);
}

/* Is it a link to /dev/null, by its text? */
static bool is_mask(const char *path)
{
        char target[sizeof("/dev/null")];
        ssize_t n = readlink(path, target, sizeof(target));

        return n == (ssize_t) sizeof(target) - 1 && memcmp(target, "/dev/null", sizeof(target) - 1) == 0;
}

/* Opened with O_PATH, so that no FIFO waits and no driver runs before it is known to be a file. */
static int open_path(const char *path, bool trusted)
{
        int fd;

        if (trusted)
                return RET_ERRNO(open(path, O_PATH | O_CLOEXEC));
        fd = fd_open_without_links(path, O_PATH);
        return fd == -ELOOP && is_mask(path) ? RET_ERRNO(open("/dev/null", O_PATH | O_CLOEXEC)) : fd;
}

int nspawn_file_text(const char *path, const char *name, bool trusted, char **ret, size_t *ret_size, Problems *problems)
{
        size_t fatal_before = problems->n_fatal;
        _cleanup_close_ int there = -EBADF, fd = -EBADF;
        struct stat st;
        int r;

        there = open_path(path, trusted);
        if (there == -ENOENT && lstat(path, &st) == 0)
                r = cannot(problems, "open", name, "it is a dangling symbolic link");
        else if (there == -ELOOP && !trusted)
                r = cannot(problems, "open", name, "it is a symbolic link, which is followed in /etc and /run only");
        else if (there < 0)
                r = there == -ENOENT || there == -ENOTDIR ? 0 : cannot(problems, "open", name, strerror(-there));
        else if (fstat(there, &st) < 0)
                r = cannot(problems, "stat", name, strerror(errno));
        else if (S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3)) {
                /* Masks lower-priority files, as in systemd. */
                *ret = strdup("");
                *ret_size = 0;
                return *ret ? 1 : -ENOMEM;
        } else if (!S_ISREG(st.st_mode))
                r = cannot(problems, "read", name, S_ISDIR(st.st_mode) ? "it is a directory" : "it is not a regular file");
        else {
                fd = fd_reopen(there, O_RDONLY | O_NOCTTY);
                r = fd < 0 ? fd : fd_read_all(fd, NSPAWN_FILE_MAX, ret, ret_size);
                if (r >= 0)
                        return 1;
                if (r != -ENOMEM)
                        r = cannot(problems, "read", name, r == -E2BIG ? "it is larger than " STRINGIFY(NSPAWN_FILE_MAX_KIB)
                                                                         " KiB" : strerror(-r));
        }
        return r < 0 ? r : problems->n_fatal > fatal_before ? NSPAWN_FILE_UNREADABLE : 0;
}

int nspawn_file_read(const char *path, const char *name, bool trusted, Assignments *ret, Problems *problems)
{
        _cleanup_(assignments_done) Assignments out = { .trusted = trusted };
        _cleanup_free_ char *text = NULL;
        size_t size = 0;
        int r;

        r = nspawn_file_text(path, name, trusted, &text, &size, problems);
        if (r < 0 || r == 0 || r == NSPAWN_FILE_UNREADABLE)
                return r;

        r = nspawn_file_parse(name, text, size, &out, problems);
        if (r < 0)
                return r;
        *ret = out;
        out = (Assignments) { 0 };
        return 1;
}
