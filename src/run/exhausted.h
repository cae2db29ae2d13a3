/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

/* The sysctl of a limit that all machines of the host share, and that leaves nothing for another machine; NULL: none is known.
 * owner: the host id of the machine's root. Static. */
const char *exhausted_limit(uid_t owner);
