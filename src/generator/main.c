/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * box-generator: a generator of systemd (systemd.generator(7)), executed by PID 1 early at boot and at each
 * daemon-reload, as root, with three output directories. The bus cannot be used then, and the journal may not run yet.
 */

#include <stdio.h>
#include <unistd.h>

#include "generator/dependencies.h"
#include "util/fd.h"
#include "util/log.h"

/* PID 1 gives no standard error; the kernel's log exists from the beginning. */
static void speak_to_kernel(void)
{
        _cleanup_close_ int fd = -EBADF;

        if (!getenv("SYSTEMD_SCOPE"))
                return;                 /* called by hand */
        fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC | O_NOCTTY);
        if (fd >= 0)
                (void) dup2(fd, STDERR_FILENO);
}

int main(int argc, char *argv[])
{
        _cleanup_close_ int out_fd = -EBADF;

        speak_to_kernel();
        log_setup("box-generator", LOG_INFO);
        if (argc != 4) {
                (void) log_error(0, "To be called by systemd, with three directories; see systemd.generator(7)");
                return EXIT_FAILURE;
        }

        out_fd = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (out_fd < 0) {
                (void) log_error(-errno, "Failed to open '%s': %m", argv[1]);
                return EXIT_FAILURE;
        }
        if (dependencies_write("", out_fd) < 0) {
                (void) log_oom();
                return EXIT_FAILURE;
        }
        return EXIT_SUCCESS;
}
