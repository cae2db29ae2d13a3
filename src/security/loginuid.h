/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/macro.h"

/*
 * The audit subsystem's login uid. A machine's processes start without one, so that logins in the machine can set theirs.
 */

/* Clears the caller's, before it creates the child. 1: done, and *ret is the old one; 0: it has none, as in a service, or the
 * kernel has no auditing. Needs the host's CAP_AUDIT_CONTROL. */
int loginuid_clear(uint32_t *ret);

/* Sets it again. The audit subsystem counts that as a new session of the same user. */
int loginuid_restore(uint32_t uid);
