/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The output of a machine's console since boot, the last CONSOLE_RING_SIZE bytes of it. They are in a memory file that is
 * written and read by calls and never mapped: the supervisor's own memory does not grow. A place in it is the number of bytes
 * that were said before: readers keep their own, and see from it how much they have missed.
 */

#include <sys/types.h>

#include "util/macro.h"

#define CONSOLE_RING_SIZE (256 * 1024)

typedef struct ConsoleRing {
        int fd;                 /* -EBADF: nothing is kept */
        uint64_t end;           /* the place of the next byte */
} ConsoleRing;
#define CONSOLE_RING_NULL { .fd = -EBADF }

/* 0 or negative errno. */
int console_ring_open(ConsoleRing *ret);
void console_ring_close(ConsoleRing *r);

/* Adds bytes, in place of the oldest. */
void console_ring_add(ConsoleRing *r, const char *bytes, size_t n);

/* The oldest place that is still there. */
uint64_t console_ring_start(const ConsoleRing *r);

/* Reads up to size bytes from *place on and moves it behind them. *ret_lost: bytes from there on that are gone, which were
 * skipped. 0: there is no more; or negative errno. */
ssize_t console_ring_read(const ConsoleRing *r, uint64_t *place, char *buf, size_t size, uint64_t *ret_lost);
