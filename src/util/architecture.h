/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/macro.h"

/* Gets the execution domain (personality(2)) in which the kernel runs programs of an architecture, by systemd's name
 * for it. 0; -EINVAL: unknown name; -EOPNOTSUPP: this kernel does not run it. */
int architecture_personality(const char *name, unsigned long *ret);

/* systemd's names for the architecture of this program and for the secondary one of such kernels; "" if there is none. */
extern const char architecture_native[];
extern const char architecture_secondary[];
