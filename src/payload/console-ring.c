/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The console's memory (see console-ring.h). The supervisor; no privilege. The bytes are the payload's: hostile, and not
 * looked at.
 */

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "payload/console-ring.h"
#include "util/fd.h"

int console_ring_open(ConsoleRing *ret)
{
        int fd = memfd_create("box-console", MFD_CLOEXEC);

        if (fd < 0)
                return -errno;
        *ret = (ConsoleRing) { .fd = fd };
        return 0;
}

void console_ring_close(ConsoleRing *r)
{
        fd_close(r->fd);
        *r = (ConsoleRing) CONSOLE_RING_NULL;
}

/* The bytes from a place on that lie in one piece. */
_steady_ static size_t in_one_piece(uint64_t place, size_t n)
{
        size_t room = CONSOLE_RING_SIZE - place % CONSOLE_RING_SIZE;

        return n < room ? n : room;
}

_steady_ void console_ring_add(ConsoleRing *r, const char *bytes, size_t n)
{
        if (r->fd < 0)
                return;
        while (n > 0) {
                ssize_t k = pwrite(r->fd, bytes, in_one_piece(r->end, n), (off_t) (r->end % CONSOLE_RING_SIZE));

                if (k < 0 && errno == EINTR)
                        continue;
                /* Without memory nothing is kept from here on, rather than something false. */
                if (k <= 0) {
                        console_ring_close(r);
                        return;
                }
                r->end += (uint64_t) k;
                bytes += k;
                n -= (size_t) k;
        }
}

_steady_ uint64_t console_ring_start(const ConsoleRing *r)
{
        return r->end > CONSOLE_RING_SIZE ? r->end - CONSOLE_RING_SIZE : 0;
}

_steady_ ssize_t console_ring_read(const ConsoleRing *r, uint64_t *place, char *buf, size_t size, uint64_t *ret_lost)
{
        const uint64_t start = console_ring_start(r), from = *place < start ? start : *place;
        ssize_t n;

        *ret_lost = from - *place;
        *place = from;
        if (r->fd < 0 || from >= r->end || size == 0)
                return 0;
        if (size > r->end - from)
                size = (size_t) (r->end - from);
        n = TEMP_FAILURE_RETRY(pread(r->fd, buf, in_one_piece(from, size), (off_t) (from % CONSOLE_RING_SIZE)));
        if (n < 0)
                return -errno;
        *place += (uint64_t) n;
        return n;
}
