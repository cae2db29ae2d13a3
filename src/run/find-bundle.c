/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * --oci-bundle=: the directory with a config.json, which says where the machine's tree is and all else about it. The
 * supervisor, before anything is changed.
 */

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "oci/oci.h"
#include "run/machine.h"
#include "run/report.h"
#include "util/fd.h"

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

static int find_config(OciBundle *b, const char *directory, Failure *failure)
{
        _cleanup_(image_done) Image i = { .fd = -EBADF };
        int r;

        r = image_open(directory, &i, failure);
        if (r < 0)
                return r;
        if (asprintf(&b->config_path, "%s/config.json", i.path) < 0) {
                b->config_path = NULL;
                return -ENOMEM;
        }
        b->path = TAKE_PTR(i.path);
        return 0;
}

int machine_find_bundle(Machine *m, const char *directory, Failure *failure)
{
        _cleanup_free_ char *text = NULL;
        size_t size, wrong;
        int r;

        r = find_config(&m->request.bundle, directory, failure);
        if (r >= 0)
                r = read_config(m->request.bundle.config_path, &text, &size, failure);
        if (r < 0)
                return r;
        wrong = m->request.problems.n_fatal;
        r = oci_parse(&m->request.bundle, text, size, &m->request.problems);
        if (r < 0)
                return r;
        if (m->request.problems.n_fatal > wrong && !m->request.collect_problems)
                return report_problems(&m->request.problems, failure);
        /* A document that does not say where the tree is has been complained of. */
        return m->request.bundle.root ? image_open(m->request.bundle.root, &m->image, failure) : 0;
}
