/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/resource.h>

#include "util/macro.h"

/* Resource limits by name and as text. */

/* "NOFILE" for RLIMIT_NOFILE; and back, from "NOFILE", "LimitNOFILE" or "RLIMIT_NOFILE": -EINVAL if it is unknown. */
const char *rlimit_name(int resource);
int rlimit_find(const char *name);

/* systemd's syntax: "VALUE" for both or "SOFT:HARD", each "infinity" or in the limit's own kind: sizes with K, M, G…,
 * time spans for CPU (seconds) and RTTIME (microseconds), for NICE 0 to 40 or a nice level with its sign, else a number.
 * 0; -EINVAL; -ERANGE; -EILSEQ where the soft limit is above the hard one. */
int rlimit_parse(int resource, const char *text, struct rlimit *ret);

/* The same back, as "SOFT:HARD" in plain numbers. */
#define RLIMIT_TEXT_MAX 48
const char *rlimit_to_text(const struct rlimit *v, char buf[static RLIMIT_TEXT_MAX]);
