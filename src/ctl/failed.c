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
#include "util/terminal-stream.h"
#include "util/text.h"

char *failed_machine_name(const char *unit)
{
        const char *at = strchr(unit, '@'), *dot = strrchr(unit, '.');

        return at && dot && dot > at ? strndup(at + 1, (size_t) (dot - at - 1)) : strdup(unit);
}

static int compare(const void *a, const void *b)
{
        return strverscmp(((const UnitRow *) a)->name, ((const UnitRow *) b)->name);
}

/* It may have been started meanwhile. */
char *failed_machine_reason(Ctl *c, const char *unit)
{
        _cleanup_(unit_info_done) UnitInfo info = { 0 };
        sd_bus *bus = ctl_bus(c, NULL);

        if (!bus || systemd1_unit_info(bus, unit, &info, NULL) < 0 || strcmp(info.active_state, "failed") != 0)
                return NULL;
        return unit_reason(bus, &info) ?: strdup("It has failed");
}

static int print_one(Ctl *c, const char *unit)
{
        _cleanup_free_ char *name = failed_machine_name(unit), *reason = failed_machine_reason(c, unit), *line = NULL;

        if (!reason)
                return 0;
        if (!name || strf(&line, "× %s: %s", name, reason) < 0)
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
        sd_bus *bus = ctl_bus(c, NULL);
        UnitRow *units = NULL;
        size_t n = 0;
        int r, printed = 0;

        if (!bus || systemd1_list_units(bus, "failed", MACHINE_UNITS, &units, &n, NULL) < 0 || n == 0)
                return 0;
        qsort(units, n, sizeof(*units), compare);
        for (size_t i = 0; i < n && printed >= 0; i++) {
                r = print_one(c, units[i].name);
                printed = r < 0 ? r : printed + r;
        }
        unit_rows_free(units, n);
        return printed;
}
