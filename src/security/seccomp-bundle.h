/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "config/oci-settings.h"
#include "security/seccomp.h"

/* The filter program that an OCI bundle asks for, by libseccomp, which is loaded for the occasion. Names that it does not
 * know are left out, as runc does. */
int seccomp_bundle_make(const OciSeccomp *s, SeccompProgram *ret, Failure *failure);
