/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * boxctl enable and disable: whether machines start at boot. Like systemctl enable box@NAME.service, and also enables
 * machines.target, which wants these units. Any user that polkit lets manage unit files.
 */

#include <stdio.h>

#include "bus/systemd1.h"
#include "ctl/many.h"
#include "ctl/stop.h"
#include "ctl/units.h"
#include "image/machine-name.h"
#include "util/strv.h"

#define MACHINES_TARGET "machines.target"

static int change_files(Ctl *c, sd_bus *bus, char *const *names, size_t n, bool enable, Failure *failures)
{
        _cleanup_strv_ char **units = NULL, **changes = NULL;
        Failure f = { 0 };
        int r = 0;

        /* boxctl disables what is gone, too. */
        for (size_t i = 0; r >= 0 && i < n; i++)
                if (name_check(names[i], /* image= */ (enable || c->lite) && !c->options.machine, &failures[i]) >= 0)
                        r = strv_consume(&units, machine_unit_name(names[i]));
        if (!units && r >= 0)
                return 0;
        if (r >= 0 && enable)
                r = strv_extend(&units, MACHINES_TARGET);
        if (r < 0)
                return log_oom();

        r = systemd1_enable(bus, units, enable, &changes, &f);
        if (r < 0)
                return log_error(r, "%s", f.text);
        if (!c->options.quiet)
                STRV_FOREACH(line, changes)
                        fprintf(stderr, "%s\n", *line);
        return 0;
}

static int change(Ctl *c, char *const *names, size_t n, bool enable)
{
        _cleanup_free_ Failure *failures = calloc(n, sizeof(Failure));
        Failure f = { 0 };
        sd_bus *bus;
        int r;

        if (!failures)
                return log_oom();
        bus = ctl_bus(c, &f);
        if (!bus)
                return log_error(f.error, "%s", f.text);
        r = change_files(c, bus, names, n, enable, failures);
        if (r >= 0 && c->options.now)
                r = enable ? units_start(c, names, n, failures) : machines_stop(c, names, n, /* if_running= */ true, failures);
        return r < 0 ? r : names_report(c, names, failures, n);
}

static int run_enable(Ctl *c, char *const *args, size_t n)
{
        return change(c, args, n, /* enable= */ true);
}

static int run_disable(Ctl *c, char *const *args, size_t n)
{
        return change(c, args, n, /* enable= */ false);
}

const Verb verb_enable = {
        .name = "enable",
        .min = 1,
        .max = VERB_ANY,
        .flags = VERB_AUTHORIZED | VERB_STARTS | VERB_TAKES_IMAGES | VERB_MANY | VERB_ALL,
        .synopsis = "NAME…",
        .help = "Start machines at boot",
        .example = "boxctl enable --now web",
        .done = "enabled",
        .run = run_enable,
};

const Verb verb_disable = {
        .name = "disable",
        .min = 1,
        .max = VERB_ANY,
        .flags = VERB_AUTHORIZED | VERB_TAKES_IMAGES | VERB_MANY | VERB_ALL,
        .synopsis = "NAME…",
        .help = "Do not start machines at boot",
        .example = "boxctl disable --now web",
        .done = "disabled",
        .run = run_disable,
};
