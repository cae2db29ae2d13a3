/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The command of a machine's unit as systemd executes it: with the variables of its environment. */

#include "bus/systemd1.h"

/* Reads EnvironmentFile= into the environment, takes UnsetEnvironment= out of it, and replaces variables in argv. Warns of files
 * that the caller may not read and of variables that are not set. -ENOENT: a file is missing, with which systemd would not start
 * the unit. */
int unit_command_complete(UnitCommand *c, const char *unit, Failure *failure);
