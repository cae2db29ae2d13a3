/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/macro.h"

/* The number of an address family, "AF_INET6" (socket(2)); the kernel's names. -EINVAL. All are below 64. */
int address_family_find(const char *name);

/* The first name with this number, or NULL. */
const char *address_family_name(unsigned family);
