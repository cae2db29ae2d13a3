/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The commands that one would type next, after a verb. */

#include "ctl/verb.h"

/* After a verb with this result (exit_status()), of a machine that runs or not. "NAME" stands for the machine, ", " between
 * commands, each without "boxctl". NULL: there is no next step. */
const char *next_steps(const char *verb, int status, bool running);

/* Prints the steps after a verb: on standard error, if that is a terminal and people read it. names: its arguments. */
void next_print(const Ctl *c, const Verb *v, char *const *names, int result);
