/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* boxctl without a verb: the machines that run, those that have failed with the reasons, and what to type next. Any user. */

#include <stdio.h>
#include <string.h>

#include "bus/systemd1.h"
#include "ctl/terminal.h"
#include "ctl/units.h"
#include "util/print.h"
#include "util/strv.h"
#include "util/text.h"

/* "web" of "box@web.service". The caller frees it. NULL: no memory. */
static char *name_of_unit(const char *unit)
{
        const char *at = strchr(unit, '@'), *dot = strrchr(unit, '.');

        return at && dot && dot > at ? strndup(at + 1, (size_t) (dot - at - 1)) : strdup(unit);
}

static int print_failed(Ctl *c, sd_bus *bus, const char *unit)
{
        _cleanup_(unit_info_done) UnitInfo u = { 0 };
        _cleanup_free_ char *name = name_of_unit(unit), *line = NULL;
        char words[128];

        if (!name)
                return -ENOMEM;
        if (systemd1_unit_info(bus, unit, &u, NULL) < 0)
                return 0;
        if (strf(&line, "  %s: %s", name, u.status_text[0] ? u.status_text : unit_result_words(&u, words, sizeof(words))) < 0)
                return -ENOMEM;
        text_make_printable(line);
        print_cut(stdout, line, terminal_width(c));
        return 0;
}

/* A user's own list of what is wrong, as far as there is a bus to ask. *ret_first: one of the names. */
static int print_all_failed(Ctl *c, char **ret_first)
{
        _cleanup_strv_ char **units = NULL;
        sd_bus *bus = ctl_bus(c, NULL);
        int r = 0;

        if (!bus || systemd1_failed_units(bus, "box@*.service", &units, NULL) < 0 || !units)
                return 0;
        *ret_first = name_of_unit(units[0]);
        printf("\nFailed:\n");
        STRV_FOREACH(unit, units)
                if (r >= 0)
                        r = print_failed(c, bus, *unit);
        return r;
}

static int run(Ctl *c, char *const *args, size_t n)
{
        _cleanup_free_ char *failed = NULL;
        int r;

        r = verb_list.run(c, NULL, 0);
        if (r < 0)
                return r;
        if (print_all_failed(c, &failed) < 0)
                return log_oom();

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
