/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/macro.h"

/* SipHash-2-4 (Aumasson and Bernstein, 2012) of data under a 128-bit key. It is what systemd derives MAC addresses,
 * shortened names and uid ranges from, and a machine keeps those when it moves to box. */
uint64_t siphash24(const void *data, size_t size, const uint8_t key[static 16]);
