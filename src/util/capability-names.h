/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/macro.h"

/* The number of capabilities that have names here: CAP_LAST_CAP + 1 of the kernel headers that box is built with. */
size_t capability_names_count(void);

/* "CAP_SYS_ADMIN" for 21; NULL for a number without a name. */
const char *capability_names_get(int cap);

/* "CAP_SYS_ADMIN" or "sys_admin", in any case, or the number in decimal. 0 or -EINVAL. */
int capability_names_find(const char *name, int *ret);

/* The name nearest to a misspelt one; NULL where none is near. */
const char *capability_names_nearest(const char *name);
