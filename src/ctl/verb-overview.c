/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* boxctl without a verb: the machines that run, those that have failed with the reasons, and what to type next. Any user. */

#include <stdio.h>

#include "bus/systemd1.h"
#include "ctl/failed.h"

/* One of the machines that have failed, as far as there is a bus to ask. NULL: none. */
static char *find_failed(Ctl *c)
{
        sd_bus *bus = ctl_bus(c, NULL);
        UnitRow *units = NULL;
        char *name = NULL;
        size_t n = 0;

        if (bus && systemd1_list_units(bus, "failed", MACHINE_UNITS, &units, &n, NULL) >= 0 && n > 0)
                name = failed_machine_name(units[0].name);
        unit_rows_free(units, n);
        return name;
}

static int run(Ctl *c, char *const *args, size_t n)
{
        _cleanup_free_ char *failed = NULL;
        int r;

        r = verb_list.run(c, NULL, 0);
        if (r < 0)
                return r;
        failed = find_failed(c);
        putchar('\n');
        if (failed)
                printf("To see why:             boxctl status %s\n", failed);
        printf("To start a machine:     boxctl start NAME\n"
               "To work in it:          boxctl shell NAME\n"
               "All verbs and options:  boxctl --help\n");
        return 0;
}

const Verb verb_overview = {
        .name = "overview",
        .max = 0,
        .flags = VERB_OURS,
        .synopsis = "",
        .help = "Show what runs and what has failed; the same without a verb",
        .details = "The list of running machines, the machines whose last start or run has failed, each with the reason, and "
                   "what to type next. Without a verb, but with options: the same as list.",
        .example = "boxctl",
        .run = run,
};
