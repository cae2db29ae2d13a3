/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/macro.h"

/* Points in time as journalctl --since= takes them (systemd.time(7)): "2026-11-27 14:00", "14:00:30", "2026-11-27", "today",
 * "yesterday", "tomorrow", "now", "-10min", "+1h", "10min ago", "@1790000000". *ret is of CLOCK_REALTIME, in microseconds;
 * dates are local time. 0 or -EINVAL. */
int log_time_parse(const char *s, uint64_t now_usec, uint64_t *ret);
