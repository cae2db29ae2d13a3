/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A machine's name and its unit's (see machine-name.h). boxctl and the supervisor; no state, no privilege. */

#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "image/machine-name.h"
#include "util/print.h"
#include "util/text.h"

const char *machine_name_problem(const char *name)
{
        return hostname_problem(name);
}

char *machine_name_clean(const char *file_name)
{
        char *name = malloc(HOST_NAME_MAX + 1), last = '.';
        size_t n = 0;

        if (!name)
                return NULL;
        for (const char *p = file_name; *p && n < HOST_NAME_MAX; p++) {
                /* No part of a host name is empty, or begins or ends with a hyphen. */
                bool good = *p == '.' ? last != '.' && last != '-' : *p == '-' ? last != '.' : isalnum((unsigned char) *p);

                if (good)
                        name[n++] = last = *p;
        }
        while (n > 0 && (name[n - 1] == '.' || name[n - 1] == '-'))
                n--;
        name[n] = 0;
        return name;
}

char *machine_unit_name(const char *name)
{
        char *unit;

        return strf(&unit, "box@%s.service", name) < 0 ? NULL : unit;
}
