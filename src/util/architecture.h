/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/macro.h"

/* The execution domain (personality(2)) in which this machine's kernel shows programs an architecture, by systemd's name
 * for it. 0; -EINVAL: no architecture of that name; -EOPNOTSUPP: not one that this machine's kernel runs. */
int architecture_personality(const char *name, unsigned long *ret);

/* systemd's names for what this program was built for, and for the second one that such kernels run; "" where there is
 * none. */
extern const char architecture_native[];
extern const char architecture_secondary[];
