/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/failure.h"

/* Masks are of 1 << CAP_x (linux/capability.h). Names: util/capability-names.h. */

/* The default bounding set of a machine (26 capabilities; systemd-nspawn's). */
uint64_t capability_default(void);

/* All capabilities of this kernel. */
uint64_t capability_all(void);

/* "CAP_CHOWN CAP_KILL …" in order of number. The caller frees it. NULL: no memory. */
char *capability_mask_to_text(uint64_t mask);

/* Drops capabilities that are not in keep from the bounding set; needs CAP_SETPCAP. */
int capability_drop_bounding(uint64_t keep, Failure *failure);

/* A process's five sets. */
typedef struct CapabilitySets {
        uint64_t bounding, permitted, effective, inheritable, ambient;
} CapabilitySets;

/* The sets of a payload in a machine with the capabilities caps: root has all of them, other users the ambient ones. Inheritable
 * are the ambient ones, which the kernel demands, and those that are asked for: others would make file capabilities that are
 * inheritable only (setcap cap_x=i) effective for every user of the machine. */
CapabilitySets capability_payload(uint64_t caps, uint64_t inheritable, uint64_t ambient, bool root);

/* Sets them, without those that are not permitted now. The child, last before exec. */
int capability_apply(const CapabilitySets *sets, Failure *failure);

/* Makes all permitted capabilities effective, after a change of user ids has cleared the effective set. */
int capability_raise(Failure *failure);

/* The supervisor, once the machine runs: permitted, effective and bounding become keep, inheritable and ambient
 * empty. */
int capability_reduce_self(uint64_t keep, Failure *failure);
