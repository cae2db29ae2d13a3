/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Standard input or output on an event loop, without blocking, and without a lasting change for those who share it. */

#include "util/libsystemd.h"
#include "util/macro.h"

typedef struct ConsoleStream {
        int fd;                 /* -EBADF: closed or not used */
        bool owned;             /* reopened: an open file of our own, which may be non-blocking */
        bool set_nonblock;      /* shared: O_NONBLOCK is cleared at the end */
        bool is_socket;
        bool ready;
        sd_event_source *source;        /* NULL: epoll does not support it (a file, /dev/null): always ready */
} ConsoleStream;
#define CONSOLE_STREAM_NULL { .fd = -EBADF }

/* Watches fd edge-triggered for EPOLLIN or EPOLLOUT. After a failure, too, it must be closed. 0 or negative errno. */
int console_stream_open(ConsoleStream *s, sd_event *event, int fd, uint32_t events, sd_event_io_handler_t handler,
                        void *userdata);
void console_stream_close(ConsoleStream *s);

/* As read(2) and write(2), repeated when interrupted. */
ssize_t console_stream_read(const ConsoleStream *s, void *buf, size_t size);
ssize_t console_stream_write(const ConsoleStream *s, const void *buf, size_t size);
