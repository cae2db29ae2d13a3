/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Streams to the journal (see console-journal.h). The supervisor, before the payload runs; no privilege. The protocol is that
 * of sd_journal_stream_fd(3), which knows no namespaces before version 256: seven lines, then the log's text.
 */

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "payload/console-journal.h"
#include "util/fd.h"

static bool get_address(int fd, struct sockaddr_un *ret)
{
        socklen_t size = sizeof(*ret) - 1;

        *ret = (struct sockaddr_un) { 0 };
        return getpeername(fd, (struct sockaddr *) ret, &size) >= 0 && ret->sun_family == AF_UNIX &&
               fnmatch("/run/systemd/journal*/stdout", ret->sun_path, FNM_PATHNAME) == 0;
}

bool journal_is_stream(int fd)
{
        struct sockaddr_un address;

        return get_address(fd, &address);
}

int journal_stream_open(int fd, const char *identifier, Failure *failure)
{
        _cleanup_close_ int stream = -EBADF;
        struct sockaddr_un address;
        char header[256];
        int n;

        /* Identifier, unit (the process tells it), priority, whether "<N>" is a priority, forward to syslog, kmsg, console. */
        n = snprintf(header, sizeof(header), "%s\n\n%d\n0\n0\n0\n0\n", identifier, LOG_INFO);
        if (!get_address(fd, &address) || n >= (int) sizeof(header))
                return failure_set(failure, -EINVAL, "Failed to open the journal: %m");

        /* A journal that takes no connections must not hold the machine. */
        stream = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (stream < 0 || connect(stream, (const struct sockaddr *) &address, sizeof(address)) < 0 ||
            shutdown(stream, SHUT_RD) < 0 || send(stream, header, (size_t) n, MSG_NOSIGNAL) != n ||
            fd_nonblock(stream, false) < 0)
                return failure_set(failure, -errno, "Failed to connect to the journal at %s: %m", address.sun_path);
        return TAKE_FD(stream);
}
