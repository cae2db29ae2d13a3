/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Filter programs: the built-in one, saving and loading one, installing one. Runs in the supervisor (saves), in the child
 * (installs, as root of the machine's user namespace) and in processes that enter a machine later (load and install).
 */

#include <fcntl.h>
#include <linux/bpf_common.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "security/seccomp-table.h"
#include "security/seccomp.h"
#include "util/fd.h"
#include "util/print.h"

void seccomp_program_done(SeccompProgram *p)
{
        free(p->owned);
        *p = (SeccompProgram) SECCOMP_PROGRAM_NULL;
}

void seccomp_program_builtin(SeccompProgram *ret)
{
        *ret = (SeccompProgram) { .code = seccomp_default_code, .n = seccomp_default_n, .builtin = true };
}

int seccomp_program_save(const SeccompProgram *p, const char *path, Failure *failure)
{
        _cleanup_close_ int fd = -EBADF;
        _cleanup_free_ char *temporary = NULL;
        int r;

        r = strf(&temporary, "%s.new", path);
        if (r < 0)
                return failure_set(failure, r, "Failed to write '%s': %m", path);

        fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
        if (fd < 0)
                return failure_set(failure, -errno, "Failed to create '%s': %m", temporary);

        r = fd_write_all(fd, p->code, p->n * sizeof(*p->code));
        if (r >= 0)
                r = RET_ERRNO(rename(temporary, path));
        if (r < 0) {
                (void) unlink(temporary);
                return failure_set(failure, r, "Failed to write '%s': %m", path);
        }

        return 0;
}

int seccomp_program_load(const char *path, SeccompProgram *ret, Failure *failure)
{
        const size_t max = BPF_MAXINSNS * sizeof(struct sock_filter);
        _cleanup_close_ int fd = -EBADF;
        char *bytes = NULL;
        size_t size = 0;
        int r;

        fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return failure_set(failure, -errno, "Failed to open '%s': %m", path);
        r = fd_read_all(fd, max, &bytes, &size);
        if (r < 0)
                return failure_set(failure, r, "Failed to read '%s': %m", path);
        if (size == 0 || size % sizeof(struct sock_filter) != 0) {
                free(bytes);
                return failure_set(failure, -EBADMSG, "'%s' is not a system call filter", path);
        }

        *ret = (SeccompProgram) {
                .code = (const struct sock_filter *) (void *) bytes,
                .n = size / sizeof(struct sock_filter),
                .owned = bytes,
        };
        return 0;
}

static int apply(const struct sock_filter *code, size_t n, unsigned flags, Failure *failure)
{
        const struct sock_fprog program = {
                .len = (unsigned short) n,
                .filter = (struct sock_filter *) code,          /* the kernel only reads it */
        };

        if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program) < 0)
                return failure_set(failure, -errno, "Failed to install the system call filter: %m");
        return 0;
}

int seccomp_apply(const SeccompProgram *p, Failure *failure)
{
        return apply(p->code, p->n, 0, failure);
}

int seccomp_apply_supervisor(Failure *failure)
{
        return apply(seccomp_supervisor_code, seccomp_supervisor_n, SECCOMP_FILTER_FLAG_LOG, failure);
}
