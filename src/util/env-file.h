/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/macro.h"

/* Files of NAME=VALUE lines in a shell's syntax: os-release(5) and the like. */

/* Cuts the next assignment off *text, in place: "NAME=VALUE" without quotes, escapes, and blanks around the "="; NULL at the end.
 * Where a name is assigned more than once, the last one counts. Comments and other lines are skipped. The value may have any
 * bytes but newline and NUL. */
char *env_file_next(char **text);
