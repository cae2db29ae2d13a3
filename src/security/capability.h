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

/* A process's five sets. */
typedef struct CapabilitySets {
        uint64_t bounding, permitted, effective, inheritable, ambient;
} CapabilitySets;

/* A payload's, of a machine that has the capabilities caps: root has all of them, others the ambient ones. */
CapabilitySets capability_payload(uint64_t caps, uint64_t ambient, bool root);

/* The child, last before exec. */
int capability_apply(const CapabilitySets *sets, Failure *failure);

/* Makes effective what is permitted: after a change of user ids, which has left it at that. */
int capability_raise(Failure *failure);

/* The supervisor, once the machine runs: permitted, effective and bounding become keep, inheritable and ambient
 * empty. */
int capability_reduce_self(uint64_t keep, Failure *failure);
