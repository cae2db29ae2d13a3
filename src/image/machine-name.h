/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/macro.h"

/* A machine's name by machined's rules (hostname_is_valid): 1 to 64 of A-Z a-z 0-9 - _ ., no dot or dash first or last
 * in a label, no two dots. NULL when valid, else why not (static text). */
const char *machine_name_problem(const char *name);
static inline bool machine_name_is_valid(const char *name)
{
        return !machine_name_problem(name);
}

/* The unit of a machine, "box@NAME.service", with the name escaped as systemd-escape does; to be freed, NULL without
 * memory. */
char *machine_unit_name(const char *name);
