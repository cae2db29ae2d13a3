/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/macro.h"

/* Values as systemd's tools print them. Each function writes into buf and returns it. */

#define FORMAT_MAX 64

/* "Sat 2024-02-10 11:22:33 UTC", local time; "n/a" for 0. */
const char *format_timestamp(uint64_t usec, char buf[static FORMAT_MAX]);
/* "3h 5min ago"; the two largest units. */
const char *format_ago(uint64_t usec, uint64_t now_usec, char buf[static FORMAT_MAX]);
/* "1min 2.5s" of CPU time. */
const char *format_cpu(uint64_t nsec, char buf[static FORMAT_MAX]);
/* "12.5M": binary units. */
const char *format_bytes(uint64_t bytes, char buf[static FORMAT_MAX]);

