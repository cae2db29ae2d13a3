/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdio.h>

#include "ctl/options.h"

/* What the journal says of a unit: its own messages and systemd's about it. */

/* Its last lines, oldest first. Nothing, where there is no journal or we may not read it. */
void journal_tail(FILE *f, const char *unit, unsigned lines, OutputMode mode);

/* The last message of priority err or worse of one run of a unit, as one printable line, to be freed; NULL: none. */
char *journal_last_error(const uint8_t invocation_id[static 16]);
