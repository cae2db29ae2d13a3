/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A machine's name and its unit's (see machine-name.h). boxctl and the supervisor; no state, no privilege. */


#include "image/machine-name.h"
#include "util/print.h"
#include "util/text.h"

const char *machine_name_problem(const char *name)
{
        return hostname_problem(name);
}

char *machine_unit_name(const char *name)
{
        char *unit;

        return strf(&unit, "box@%s.service", name) < 0 ? NULL : unit;
}
