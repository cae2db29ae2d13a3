/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Standard output as a terminal, and the pager. */

#include "ctl/verb.h"

/* Is standard output, or was it before a pager, a terminal with colours? Not if NO_COLOR is set or TERM is dumb. */
bool terminal_has_colour(void);

/* The width to cut lines at: the terminal's. 0: do not cut (no terminal, or --full). */
size_t terminal_width(const Ctl *c);

/* If standard output is a terminal, starts a pager ($SYSTEMD_PAGER, $PAGER, less) for it, which does not stop at output of
 * less than a screen. pager_close() waits until the user quits it. */
void pager_open(const Ctl *c);
void pager_close(void);
