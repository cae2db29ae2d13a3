/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * boxctl enable and disable: whether machines start at boot. Like systemctl enable box@NAME.service, and also enables
 * machines.target, which wants these units. Any user that polkit lets manage unit files.
 */

#include <stdio.h>

#include "bus/systemd1.h"
#include "ctl/stop.h"
#include "ctl/units.h"
#include "image/machine-name.h"
#include "util/strv.h"

#define MACHINES_TARGET "machines.target"

static int change(Ctl *c, char *const *names, size_t n, bool enable)
{
        _cleanup_strv_ char **units = NULL, **changes = NULL, **good = NULL;
        Failure f = { 0 };
        int r, first;
        sd_bus *bus;

        first = units_of_names(names, n, enable ? NAMES_OF_IMAGES : NAMES_VALID, &units, &good);
        if (!units)
                return first;
        if (enable && strv_extend(&units, MACHINES_TARGET) < 0)
                return log_oom();
        bus = ctl_bus(c, &f);
        if (!bus)
                return log_error(f.error, "%s", f.text);
        r = systemd1_enable(bus, units, enable, &changes, &f);
        if (r < 0)
                return log_error(r, "%s", f.text);

        if (!c->options.quiet)
                STRV_FOREACH(line, changes)
                        fprintf(stderr, "%s\n", *line);
        if (c->options.now)
                r = enable ? units_start(c, good, strv_length(good)) :
                             machines_stop(c, good, strv_length(good), /* if_running= */ true);
        return first < 0 ? first : r;
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
        .flags = VERB_AUTHORIZED | VERB_STARTS | VERB_TAKES_IMAGES,
        .synopsis = "NAME…",
        .help = "Start machines at boot",
        .run = run_enable,
};

const Verb verb_disable = {
        .name = "disable",
        .min = 1,
        .max = VERB_ANY,
        .flags = VERB_AUTHORIZED | VERB_TAKES_IMAGES,
        .synopsis = "NAME…",
        .help = "Do not start machines at boot",
        .run = run_disable,
};
