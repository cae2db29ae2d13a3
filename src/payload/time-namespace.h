/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <time.h>

#include "util/failure.h"

/* When a machine's CLOCK_MONOTONIC and CLOCK_BOOTTIME stand at zero, on the host's. */
typedef struct TimeOrigin {
        struct timespec monotonic, boottime;
} TimeOrigin;

TimeOrigin time_origin_now(void);

/* The text of /proc/PID/timens_offsets(5) that makes it so. Pure. */
#define TIME_OFFSETS_MAX 128
const char *time_origin_offsets(const TimeOrigin *zero, char buf[static TIME_OFFSETS_MAX]);

/* Makes a time namespace with that origin and joins it. Of a process with one thread and CAP_SYS_TIME and CAP_SYS_ADMIN in its
 * user namespace, while /proc is still one that shows it, as the user that it began as: the kernel gives /proc/self to the
 * host's root once that has changed. */
int time_namespace_enter(const TimeOrigin *zero, Failure *failure);
