/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Machines that have failed, for listings of those that run. */

#include "ctl/verb.h"

/* Their units, for systemd1_failed_units(). */
#define FAILED_MACHINES "box@*.service"

/* "web" of "box@web.service". The caller frees it. NULL: no memory. */
char *failed_machine_name(const char *unit);

/* Prints a line for each: "× NAME: REASON". Returns how many; what systemd does not tell is left out. -ENOMEM. */
int failed_machines_print(Ctl *c);
