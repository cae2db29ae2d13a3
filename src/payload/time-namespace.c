/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The machine's own boot clocks (see time-namespace.h). Runs in the child, as root of its user namespace. Offsets can only be set
 * while a time namespace has no process: so the child creates it with unshare(), sets the offsets, and joins it.
 */

#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "payload/time-namespace.h"
#include "util/fd.h"

TimeOrigin time_origin_now(void)
{
        TimeOrigin now = {};

        (void) clock_gettime(CLOCK_MONOTONIC, &now.monotonic);
        (void) clock_gettime(CLOCK_BOOTTIME, &now.boottime);
        return now;
}

/* With non-negative nanoseconds, as the kernel requires. */
static struct timespec negated(struct timespec t)
{
        if (t.tv_nsec == 0)
                return (struct timespec) { .tv_sec = -t.tv_sec };
        return (struct timespec) { .tv_sec = -t.tv_sec - 1, .tv_nsec = 1000000000 - t.tv_nsec };
}

const char *time_origin_offsets(const TimeOrigin *zero, char buf[static TIME_OFFSETS_MAX])
{
        struct timespec monotonic = negated(zero->monotonic), boottime = negated(zero->boottime);

        (void) snprintf(buf, TIME_OFFSETS_MAX, "monotonic %" PRIdMAX " %ld\nboottime %" PRIdMAX " %ld\n",
                        (intmax_t) monotonic.tv_sec, monotonic.tv_nsec, (intmax_t) boottime.tv_sec, boottime.tv_nsec);
        return buf;
}

int time_namespace_enter(const TimeOrigin *zero, Failure *failure)
{
        _cleanup_close_ int ns_fd = -EBADF;
        char text[TIME_OFFSETS_MAX];
        int r;

        if (unshare(CLONE_NEWTIME) < 0)
                return failure_set(failure, -errno, "Failed to create a time namespace: %m%s", errno == EINVAL ?
                                   " (not supported by this kernel; remove BootTime=zero)" : "");

        r = fd_write_file_at(AT_FDCWD, "/proc/self/timens_offsets", time_origin_offsets(zero, text));
        if (r < 0)
                return failure_set(failure, r, "Failed to set the machine's boot time: %m");

        ns_fd = open("/proc/self/ns/time_for_children", O_RDONLY | O_CLOEXEC);
        if (ns_fd < 0 || setns(ns_fd, CLONE_NEWTIME) < 0)
                return failure_set(failure, -errno, "Failed to join the machine's time namespace: %m");
        return 0;
}
