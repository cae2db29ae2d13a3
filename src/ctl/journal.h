/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdio.h>

#include "ctl/options.h"

/* A unit's messages in the journal: its own and systemd's about it. */

/* Prints the last lines, oldest first. Prints nothing if there is no journal or the caller may not read it. */
void journal_tail(FILE *f, const char *unit, unsigned lines, OutputMode mode);

/* The last message of priority err or worse of one run of a unit, as one printable line. The caller frees it. NULL: none. */
char *journal_last_error(const uint8_t invocation_id[static 16]);

/* The same of the last run that had one. */
char *journal_last_unit_error(const char *unit);

/* The last line of the machine's console in one run of its unit, that is not empty. As above. */
char *journal_last_console_line(const uint8_t invocation_id[static 16]);

/* The message about a start that systemd has refused, for a condition or a dependency, if that was the last. As above. */
char *journal_refused_start(const char *unit);

/* The times (CLOCK_REALTIME) between which one start of a unit was the last. n: 0 the last start, -1 the one before it…, 1 the
 * first that the journal has, 2 the second… -ENOENT: the journal has no such start. */
int journal_start_window(const char *unit, int n, uint64_t *ret_since_usec, uint64_t *ret_until_usec);

/* Has the journal a message of the unit? Not if it cannot be read. */
bool journal_has_unit(const char *unit);
