/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * boxctl check: reports all errors in machines' settings, without starting a machine. Any user who may read the machine's
 * files and tree.
 */

#include "bus/systemd1.h"
#include "ctl/dry-run.h"
#include "ctl/units.h"
#include "image/machine-name.h"
#include "util/strv.h"

/* Problems with the unit itself. Their number, or -ENOMEM. */
static int report_unit(Ctl *c, const char *name)
{
        _cleanup_free_ char *unit = machine_unit_name(name);
        _cleanup_strv_ char **problems = NULL;
        sd_bus *bus = ctl_bus(c, NULL);

        if (!unit || (bus && systemd1_unit_check(bus, unit, &problems) < 0))
                return -ENOMEM;
        STRV_FOREACH(problem, problems)
                (void) log_error(0, "%s: %s: %s", name, unit, *problem);
        return (int) strv_length(problems);
}

static int check_one(Ctl *c, const char *name, Failure *failure)
{
        _cleanup_json_ Json *dry = NULL;
        size_t n_fatal;
        int of_unit, r;

        r = name_check(name, /* image= */ false, failure);
        if (r >= 0)
                r = dry_run(c, name, "--check", &dry, failure);
        if (r < 0)
                return r;

        of_unit = report_unit(c, name);
        if (of_unit < 0)
                return failure_set(failure, of_unit, "Out of memory");
        n_fatal = dry_run_report(name, json_root(dry)) + (size_t) of_unit;
        return n_fatal == 0 ? 0 : failure_set(failure, -EBADMSG, "%zu error%s; the machine would not start", n_fatal,
                                              n_fatal == 1 ? "" : "s");
}

const Verb verb_check = {
        .name = "check",
        .min = 1,
        .max = VERB_ANY,
        .flags = VERB_OURS | VERB_TAKES_IMAGES | VERB_MANY,
        .synopsis = "NAME…",
        .help = "Report all errors in machines' settings",
        .details = "Reads the files, drop-ins, profiles and switches that a start would read, and what the unit "
                   "names, and starts nothing. Fails if a start would fail.",
        .example = "boxctl check 'web*'",
        .run_one = check_one,
};
