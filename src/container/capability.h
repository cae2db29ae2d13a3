/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/failure.h"

/* Masks are 1 << CAP_x (linux/capability.h); names are util/capability-names.h's. */

/* The default bounding set of a machine (26 capabilities; systemd-nspawn's). */
uint64_t capability_default(void);

/* All that this kernel has. */
uint64_t capability_all(void);

/* "CAP_CHOWN CAP_KILL …" in order of number, to be freed. NULL without memory. */
char *capability_mask_to_text(uint64_t mask);

/* Takes what is not in keep out of the bounding set; needs CAP_SETPCAP. No library: also for what enters a machine. */
int capability_drop_bounding(uint64_t keep, Failure *failure);

/* The child, last before exec: bounding, permitted, effective and inheritable become keep; ambient is empty. */
int capability_apply(uint64_t keep, Failure *failure);

/* The supervisor, once the machine runs: permitted, effective and bounding become keep, inheritable and ambient
 * empty. */
int capability_reduce_self(uint64_t keep, Failure *failure);
