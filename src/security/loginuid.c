/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The login uid (see loginuid.h). A process can change only its own, and a child in a user namespace may not: so the supervisor,
 * as root of the host, clears its own while it creates the child, which inherits it.
 */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "security/loginuid.h"
#include "util/fd.h"
#include "util/parse.h"

static int write_own(uint32_t uid)
{
        _cleanup_close_ int fd = open("/proc/self/loginuid", O_WRONLY | O_CLOEXEC);
        char text[16];
        int n = snprintf(text, sizeof(text), "%u", uid);

        return fd < 0 ? -errno : fd_write_all(fd, text, (size_t) n);
}

int loginuid_clear(uint32_t *ret)
{
        _cleanup_close_ int fd = open("/proc/self/loginuid", O_RDONLY | O_CLOEXEC);
        _cleanup_free_ char *text = NULL;
        uint32_t uid;
        int r;

        if (fd < 0)
                return errno == ENOENT ? 0 : -errno;
        r = fd_read_all(fd, 16, &text, NULL);
        if (r >= 0)
                r = parse_u32(text, &uid);
        if (r < 0 || uid == UINT32_MAX)
                return r;

        r = write_own(UINT32_MAX);
        if (r < 0)
                return r;
        *ret = uid;
        return 1;
}

int loginuid_restore(uint32_t uid)
{
        return write_own(uid);
}
