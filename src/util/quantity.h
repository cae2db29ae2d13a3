/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/clock.h"
#include "util/macro.h"

/* Numbers with units, as in systemd's settings. All return 0, -EINVAL (malformed) or -ERANGE, and write nothing on
 * failure. */

/* Bytes: "1048576", "64K", "1.5G"; K M G T P E are powers of 1024, "B" is allowed. */
int parse_size(const char *s, uint64_t *ret);

/* A rate of a device, in bytes or operations per second: the same with powers of 1000. */
int parse_rate(const char *s, uint64_t *ret);

/* A fraction, in hundredths of a percent: "50%", "12.5%", "125‰", "1250‱". May be above 100%. */
int parse_permyriad(const char *s, uint64_t *ret);

/* A time span of systemd.time(7) in microseconds: "90", "1min 30s", "1.5h", "500ms". A number without a unit counts
 * `unit` microseconds. "infinity" is malformed: callers differ in its value. */
int parse_time_span(const char *s, uint64_t unit, uint64_t *ret);

/* And back, in buf: "1min 30s"; "infinity" for UINT64_MAX. */
#define TIME_SPAN_TEXT_MAX 64
const char *format_time_span(uint64_t usec, char buf[static TIME_SPAN_TEXT_MAX]);
