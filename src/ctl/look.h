/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Looks into the files of a running machine, which can block whom reads them for ever (a FUSE file system in the tree): a process
 * reads, and is given up when the time is over.
 */

#include <sys/types.h>

#include "util/failure.h"

/* From the start of the first of several looks. */
#define LOOK_USEC (1000 * 1000)

typedef struct Look {
        pid_t pid;
        int fd;                 /* its answer; -EBADF: there is none */
} Look;
#define LOOK_NULL { 0, -EBADF }

/* Starts a process that calls answer(question, fd), which writes to fd and returns 0 or a negative errno. It has no other
 * descriptor but keep. */
int look_start(int (*answer)(const void *question, int fd), const void *question, int keep, Look *ret);

/* The answer, of at most max bytes; the caller frees it. -ETIMEDOUT: there was none until the deadline (CLOCK_MONOTONIC), or what
 * answer() returned. */
int look_finish(Look *l, uint64_t deadline_usec, size_t max, char **ret, size_t *ret_size);
void look_done(Look *l);

/* One look, with LOOK_USEC from now on. */
int look(int (*answer)(const void *question, int fd), const void *question, int keep, size_t max, char **ret, size_t *ret_size);
