/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <time.h>

#include "util/failure.h"

/* The time on the host's CLOCK_MONOTONIC and CLOCK_BOOTTIME at which the machine's clocks are zero. */
typedef struct TimeOrigin {
        struct timespec monotonic, boottime;
} TimeOrigin;

TimeOrigin time_origin_now(void);

/* The text for /proc/PID/timens_offsets (time_namespaces(7)). Pure. */
#define TIME_OFFSETS_MAX 128
const char *time_origin_offsets(const TimeOrigin *zero, char buf[static TIME_OFFSETS_MAX]);

/* Creates a time namespace with that origin and joins it. The caller must have one thread, CAP_SYS_TIME and CAP_SYS_ADMIN in its
 * user namespace, and the host's /proc, and must not have changed its user: /proc/self belongs to the host's root then. */
int time_namespace_enter(const TimeOrigin *zero, Failure *failure);
