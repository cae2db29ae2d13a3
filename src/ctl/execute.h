/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A command in a machine, as if it ran here: of boxctl exec, and what is made from it. */

#include "ctl/session.h"

/* Executes it for the user and with the environment of the options. hook: see EnterOptions; NULL: none. Returns its exit
 * status, or a negative errno after its message. */
int execute(Ctl *c, const RunningMachine *m, const Leader *leader, char *const *command, EnterHook *hook, void *userdata);
