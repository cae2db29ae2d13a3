/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Machines that have failed, for listings of those that run. */

#include "ctl/verb.h"

/* Units of all machines, for systemd1_list_units(). */
#define MACHINE_UNITS "box@*.service"

/* "web" of "box@web.service". The caller frees it. NULL: no memory. */
char *failed_machine_name(const char *unit);

/* Why the machine of this unit has failed, in one line, which the caller frees. NULL: it has not, or nothing is known. */
char *failed_machine_reason(Ctl *c, const char *unit);

/* Prints a line for each: "× NAME: REASON". Returns how many; what systemd does not tell is left out. -ENOMEM. */
int failed_machines_print(Ctl *c);
