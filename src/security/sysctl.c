/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Writes /proc/sys for a machine (see sysctl.h). The namespace that a file there affects depends on the process that opens it,
 * so a process in the machine's namespaces does, as root of the host: root of a user namespace may not write all of them.
 * oci/oci-devices.c has refused sysctls that do not belong to a namespace.
 */

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "security/sysctl.h"
#include "util/fd.h"
#include "util/namespace-call.h"
#include "util/print.h"
#include "util/tree.h"

typedef struct Writing {
        const OciSysctl *sysctls;
        size_t n;
        int proc_fd;
        Failure *failure;
} Writing;

static int write_one(const OciSysctl *s, int proc_fd, Failure *failure)
{
        _cleanup_free_ char *path = NULL;
        _cleanup_close_ int fd = -EBADF;
        char source[SOURCE_TEXT_MAX];
        int r;

        if (strf(&path, "sys/%s", s->path) < 0)
                return failure_set(failure, -ENOMEM, "Out of memory");
        fd = tree_open(proc_fd, path, O_WRONLY | O_NOCTTY);
        r = fd < 0 ? fd : fd_write_all(fd, s->value, strlen(s->value));
        return r < 0 ? failure_set(failure, r, "%s: Failed to set sysctl '%s': %m", source_text(s->from, source), s->path) : 0;
}

static int write_all(void *argument)
{
        const Writing *w = argument;

        for (size_t i = 0; i < w->n; i++) {
                int r = write_one(&w->sysctls[i], w->proc_fd, w->failure);

                if (r < 0)
                        return r;
        }
        return 0;
}

int sysctls_write(const OciSysctl *sysctls, size_t n, int proc_fd, int leader_pidfd, Failure *failure)
{
        Writing w = { .sysctls = sysctls, .n = n, .proc_fd = proc_fd, .failure = failure };
        int r;

        if (n == 0)
                return 0;
        r = namespace_call(leader_pidfd, CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS, write_all, &w);
        return r < 0 ? failure_set(failure, r, "Failed to enter the machine's namespaces to set sysctls: %m") : 0;
}
