/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/macro.h"

/* Checks a machine's name by machined's rules, which are those of host names (util/text.h: hostname_problem()). NULL if
 * it is valid, else the reason (static text). */
const char *machine_name_problem(const char *name);
static inline bool machine_name_is_valid(const char *name)
{
        return !machine_name_problem(name);
}

/* The name of a machine whose tree or image has this file name, as in systemd-nspawn: without what no host name may
 * have, "my_tree.v2" is "mytree.v2"; empty if nothing remains. The caller frees it; NULL without memory. */
char *machine_name_clean(const char *file_name);

/* The unit of a machine, "box@NAME.service"; the caller frees it; NULL without memory. Valid names need no escaping in
 * unit names. */
char *machine_unit_name(const char *name);
