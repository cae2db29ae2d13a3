/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * --oci-bundle=: the directory with a config.json, which names the machine's tree and has its settings. The supervisor, as
 * root (or any user, for a dry run), before anything is changed.
 */

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "oci/oci.h"
#include "run/machine.h"
#include "run/report.h"
#include "util/fd.h"
#include "util/print.h"

static int read_config(const char *path, char **ret, size_t *ret_size, Failure *failure)
{
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        struct stat st;
        int r;

        if (fd < 0 || fstat(fd, &st) < 0)
                return failure_set(failure, -errno, "Failed to open '%s': %m", path);
        if (!S_ISREG(st.st_mode))
                return failure_set(failure, -EBADFD, "Failed to read '%s': it is not a regular file", path);
        r = fd_read_all(fd, OCI_CONFIG_MAX, ret, ret_size);
        if (r == -E2BIG)
                return failure_set(failure, r, "Failed to read '%s': it is larger than %u MiB", path, OCI_CONFIG_MAX >> 20);
        return r < 0 ? failure_set(failure, r, "Failed to read '%s': %m", path) : 0;
}

int machine_find_bundle(Machine *m, const char *directory, Failure *failure)
{
        _cleanup_(image_done) Image image = { .fd = -EBADF };
        _cleanup_free_ char *text = NULL;
        OciBundle *b = &m->request.bundle;
        size_t size, n_fatal = m->request.problems.n_fatal;
        int r;

        r = image_open(directory, &image, failure);
        if (r >= 0)
                r = strf(&b->config_path, "%s/config.json", image.path);
        if (r < 0)
                return r;
        b->path = TAKE_PTR(image.path);
        r = read_config(b->config_path, &text, &size, failure);
        if (r >= 0)
                r = oci_parse(b, text, size, &m->request.problems);
        if (r < 0)
                return r;
        if (m->request.problems.n_fatal > n_fatal && !m->request.collect_problems)
                return report_problems(&m->request.problems, failure);
        /* A missing root.path is among the problems. */
        return b->root ? image_open(b->root, &m->image, failure) : 0;
}
