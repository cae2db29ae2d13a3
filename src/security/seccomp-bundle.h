/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "config/oci-settings.h"
#include "security/seccomp.h"

/* The filter program that an OCI bundle asks for. System calls of unknown names are left out, as runc does, and so are
 * architectures that the kernel does not run. The program is freed by seccomp_program_done(). */
int seccomp_bundle_make(const OciSeccomp *s, SeccompProgram *ret, Failure *failure);
