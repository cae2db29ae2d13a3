/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What standard output is, and the pager in front of it. */

#include "ctl/verb.h"

/* Is standard output a terminal that takes colours (NO_COLOR and TERM=dumb say no)? Of the time before a pager. */
bool terminal_has_colour(void);

/* Where to cut lines: the terminal's width; 0 (never) where there is none, or with --full. */
size_t terminal_width(const Ctl *c);

/* Puts a pager ($SYSTEMD_PAGER, $PAGER, less) between standard output and the terminal, where it is one; it shows
 * short output as if it were not there. pager_close() waits until its reader has had enough. */
void pager_open(const Ctl *c);
void pager_close(void);
