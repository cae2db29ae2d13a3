/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/macro.h"

/*
 * The audit subsystem's idea of who has logged in. A machine's processes are nobody's of the host: they have none, so that
 * logins in the machine can set theirs.
 */

/* Takes our own away, for a child to be born without: 1, with what it was in *ret; 0 where we have none, as in a service, or
 * the kernel has no auditing. The supervisor, with the host's CAP_AUDIT_CONTROL. */
int loginuid_clear(uint32_t *ret);

/* Sets it again. (The kernel counts that as another session of the same user.) */
int loginuid_restore(uint32_t uid);
