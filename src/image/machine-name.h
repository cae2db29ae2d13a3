/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/macro.h"

/* A machine's name by machined's rules, which are a host name's (util/text.h: hostname_problem()); an underscore is not
 * in them. NULL when valid, else why not (static text). */
const char *machine_name_problem(const char *name);
static inline bool machine_name_is_valid(const char *name)
{
        return !machine_name_problem(name);
}

/* The unit of a machine, "box@NAME.service"; to be freed, NULL without memory. The name is not escaped: a valid one has
 * no character that a unit's instance may not have, people write it as it is ("systemctl start box@a-b"), and the unit
 * passes it on as it is (%i). */
char *machine_unit_name(const char *name);
