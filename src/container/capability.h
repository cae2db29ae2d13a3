/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdio.h>

#include "util/failure.h"

/* Masks are 1 << CAP_x (linux/capability.h). */

/* The default bounding set of a machine (26 capabilities; systemd-nspawn's). */
uint64_t capability_default(void);

/* "CAP_SYS_ADMIN" or "sys_admin" in any case → its bit; -EINVAL. And back; NULL for a number without a name. */
int capability_from_name(const char *name, int *ret);
const char *capability_name(int cap);

/* All that this kernel has. */
uint64_t capability_all(void);

/* "cap_chown cap_kill …" in order of number, to be freed. */
char *capability_mask_to_text(uint64_t mask);

/* The child, last before exec: bounding, permitted, effective and inheritable become keep; ambient is empty. */
int capability_apply(uint64_t keep, Failure *failure);

/* The supervisor, once the machine runs: permitted, effective and bounding become keep, inheritable and ambient
 * empty. */
int capability_reduce_self(uint64_t keep, Failure *failure);
