/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Starts the stub init in a machine (see stub-init.h). stub_open() runs in the supervisor and in boxctl, as root of the host;
 * stub_init_execute() in the child, which is PID 1, confined, and the only process besides the payload.
 */

#include <fcntl.h>
#include <linux/close_range.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "payload/stub-init.h"
#include "util/fd.h"
#include "util/strv.h"

/* Since Linux 6.3. Without it the mode of the file depends on a sysctl. */
#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

static int create_memory_file(const char *name)
{
        int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);

        if (fd < 0 && errno == EINVAL)
                fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
        return fd < 0 ? -errno : fd;
}

int stub_open(const char *path, mode_t mode, Failure *failure)
{
        _cleanup_close_ int file = -EBADF, fd = -EBADF;
        struct stat st;
        ssize_t n = 1;

        file = open(path, O_RDONLY | O_CLOEXEC);
        if (file < 0 || fstat(file, &st) < 0)
                return failure_set(failure, -errno, "Failed to open '%s': %m", path);
        fd = create_memory_file(strrchr(path, '/') + 1);
        if (fd < 0)
                return failure_set(failure, fd, "Failed to create a memory file: %m");

        while (n > 0 && st.st_size > 0) {
                n = sendfile(fd, file, NULL, (size_t) st.st_size);
                st.st_size -= n > 0 ? n : 0;
        }
        if (n < 0 || fchmod(fd, mode) < 0 ||
            fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
                return failure_set(failure, -errno, "Failed to copy '%s': %m", path);

        return TAKE_FD(fd);
}

int stub_init_execute(int fd, pid_t payload, char *const *env, Failure *failure)
{
        static const char *const kept[] = { "container", "container_uuid" };
        _cleanup_strv_ char **own_env = NULL;
        char number[16], path[FD_PATH_MAX];
        char *argv[] = { (char *) "box-init", number, NULL };

        (void) snprintf(number, sizeof(number), "%d", payload);
        for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
                const char *value = strv_env_get(env, kept[i]);

                if (value && strv_env_set(&own_env, kept[i], value) < 0)
                        return failure_set(failure, -ENOMEM, "Out of memory");
        }

        if (syscall(SYS_close_range, 0, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
                return failure_set(failure, -errno, "Failed to mark descriptors close-on-exec: %m");
        /* By a path in the machine's /proc, which the payload cannot have changed yet: filters may refuse execveat(2). */
        (void) execve(fd_path(fd, path), argv, own_env);
        return failure_set(failure, -errno, "Failed to execute the init of ProcessTwo=: %m");
}
