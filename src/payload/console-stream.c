/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Standard streams of a console (see console-stream.h). In the supervisor and in boxctl; no privilege. */

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "payload/console-stream.h"
#include "util/fd.h"

/* An interrupted call is repeated at once: an edge-triggered descriptor has no second event for the same bytes. */

_steady_ ssize_t console_stream_read(const ConsoleStream *s, void *buf, size_t size)
{
        return TEMP_FAILURE_RETRY(s->is_socket ? recv(s->fd, buf, size, MSG_DONTWAIT) : read(s->fd, buf, size));
}

_steady_ ssize_t console_stream_write(const ConsoleStream *s, const void *buf, size_t size)
{
        return TEMP_FAILURE_RETRY(s->is_socket ? send(s->fd, buf, size, MSG_DONTWAIT | MSG_NOSIGNAL)
                                               : write(s->fd, buf, size));
}

void console_stream_close(ConsoleStream *s)
{
        s->source = sd_event_source_disable_unref(s->source);
        if (s->set_nonblock)
                (void) fd_nonblock(s->fd, false);
        if (s->owned)
                fd_close(s->fd);
        *s = (ConsoleStream) CONSOLE_STREAM_NULL;
}

/* Standard input and output share their open files with the shell and other programs, which do not expect them to become
 * non-blocking: they are reopened if possible. */
static int open_without_blocking(int fd, int access, ConsoleStream *ret)
{
        ConsoleStream s = { .fd = fd, .ready = true };
        struct stat st;
        int own, flags;

        if (fstat(fd, &st) < 0)
                return -errno;

        s.is_socket = S_ISSOCK(st.st_mode);
        if (s.is_socket || S_ISREG(st.st_mode)) {
                *ret = s;
                return 0;
        }

        own = fd_reopen(fd, access | O_NOCTTY | O_NONBLOCK);
        if (own >= 0) {
                s.fd = own;
                s.owned = true;
        } else {
                flags = fcntl(fd, F_GETFL);
                if (flags < 0)
                        return -errno;
                s.set_nonblock = !(flags & O_NONBLOCK);
                if (s.set_nonblock && fd_nonblock(fd, true) < 0)
                        return -errno;
        }

        *ret = s;
        return 0;
}

int console_stream_open(ConsoleStream *s, sd_event *event, int fd, uint32_t events, sd_event_io_handler_t handler, void *userdata)
{
        int r;

        r = open_without_blocking(fd, events == EPOLLIN ? O_RDONLY : O_WRONLY, s);
        if (r < 0)
                return r;
        r = sd_event_add_io(event, &s->source, s->fd, events | EPOLLET, handler, userdata);
        if (r == -EPERM)        /* does not support epoll: never blocks either */
                return 0;
        if (r >= 0)
                s->ready = false;       /* epoll reports the current state at once */
        return r;
}
