/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdio.h>

#include "ctl/options.h"

/* A unit's messages in the journal: its own and systemd's about it. */

/* Prints the last lines, oldest first. Prints nothing if there is no journal or the caller may not read it. */
void journal_tail(FILE *f, const char *unit, unsigned lines, OutputMode mode);

/* The last message of priority err or worse of one run of a unit, as one printable line. The caller frees it. NULL: none. */
char *journal_last_error(const uint8_t invocation_id[static 16]);
