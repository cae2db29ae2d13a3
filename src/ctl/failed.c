/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Machines that have failed (see failed.h): units of systemd's that are in that state. Part of boxctl, with its caller's
 * rights.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus/systemd1.h"
#include "ctl/failed.h"
#include "ctl/terminal.h"
#include "ctl/units.h"
#include "util/print.h"
#include "util/strv.h"
#include "util/terminal-stream.h"
#include "util/text.h"

char *failed_machine_name(const char *unit)
{
        const char *at = strchr(unit, '@'), *dot = strrchr(unit, '.');

        return at && dot && dot > at ? strndup(at + 1, (size_t) (dot - at - 1)) : strdup(unit);
}

static int compare(const void *a, const void *b)
{
        return strverscmp(*(char *const *) a, *(char *const *) b);
}

static int print_one(Ctl *c, sd_bus *bus, const char *unit)
{
        _cleanup_(unit_info_done) UnitInfo info = { 0 };
        _cleanup_free_ char *name = failed_machine_name(unit), *reason = NULL, *line = NULL;

        /* It may have been started meanwhile. */
        if (systemd1_unit_info(bus, unit, &info, NULL) < 0 || strcmp(info.active_state, "failed") != 0)
                return 0;
        reason = unit_reason(bus, &info);
        if (!name || strf(&line, "× %s: %s", name, reason ?: "It has failed") < 0)
                return -ENOMEM;
        text_make_printable(line);
        if (terminal_has_colour())
                terminal_style(stdout, "\x1b[31m");
        print_cut(stdout, line, terminal_width(c));
        if (terminal_has_colour())
                terminal_style(stdout, "\x1b[0m");
        return 1;
}

int failed_machines_print(Ctl *c)
{
        _cleanup_strv_ char **units = NULL;
        sd_bus *bus = ctl_bus(c, NULL);
        int r, n = 0;

        if (!bus || systemd1_failed_units(bus, FAILED_MACHINES, &units, NULL) < 0 || !units)
                return 0;
        qsort(units, strv_length(units), sizeof(char *), compare);
        STRV_FOREACH(u, units) {
                r = print_one(c, bus, *u);
                if (r < 0)
                        return r;
                n += r;
        }
        return n;
}
