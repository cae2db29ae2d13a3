/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * boxctl pending: what a restart of machines would change, line by line, with its place. boxctl apply: makes the changes that can
 * be made while they run. Root.
 */

#include <stdio.h>

#include "ctl/listing.h"
#include "ctl/live.h"
#include "ctl/units.h"

static int show(Ctl *c, const char *name, const char *mode, Json *out)
{
        _cleanup_json_ Json *live = NULL;
        Failure f = { 0 };
        size_t n_restart;
        int r;

        r = name_check(name, /* image= */ false, &f);
        if (r >= 0)
                r = live_run(c, name, mode, &live, &f);
        if (r < 0)
                return complain(name, &f);
        if (out) {
                json_put_node(out, NULL, json_root(live));
                return 0;
        }
        live_print(json_root(live));
        n_restart = live_count_restart(json_root(live));
        if (json_member(json_root(live), "changes")->n == 0)
                log_info(0, "%s: runs with the settings of its files", name);
        else if (n_restart > 0)
                log_info(0, "%s: needs a restart: %zu setting%s; to restart it: %s reboot %s", name, n_restart,
                         n_restart == 1 ? "" : "s", c->program, name);
        return 0;
}

static int pending_one(Ctl *c, const char *name, Json *j, bool first)
{
        return show(c, name, "pending", j);
}

static int apply_one(Ctl *c, const char *name, Json *j, bool first)
{
        return show(c, name, "apply", j);
}

static int pending(Ctl *c, char *const *args, size_t n)
{
        return print_each(c, args, n, pending_one);
}

static int apply(Ctl *c, char *const *args, size_t n)
{
        return print_each(c, args, n, apply_one);
}

/* A row for each setting that differs. */
static const Column columns[] = {
        { 'm', "machine",       0, 0, "Name" },
        { 's', "section",       0, 0, "Section of the key" },
        { 'k', "key",           0, 0, "Key" },
        { 'b', "before",        0, 0, "Value that it has, and its place" },
        { 'a', "after",         0, 0, "Value that it will have, and its place" },
        { 'r', "needs_restart", 0, 0, "Why it cannot be applied now" },
        { 'd', "applied",       0, 0, "Was it applied?" },
};

const Verb verb_pending = {
        .name = "pending",
        .min = 1,
        .max = VERB_ANY,
        .flags = VERB_OURS | VERB_TAKES_RUNNING,
        .synopsis = "NAME…",
        .help = "Show what a restart of machines would change",
        .details = "Compares the settings that a running machine has with those of its files, drop-ins and unit, each with its "
                   "place, and says which can be applied now.",
        .example = "boxctl pending web",
        .columns = columns,
        .n_columns = ARRAY_SIZE(columns),
        .rows = "changes",
        .run = pending,
};

const Verb verb_apply = {
        .name = "apply",
        .min = 1,
        .max = VERB_ANY,
        .flags = VERB_OURS | VERB_TAKES_RUNNING,
        .synopsis = "NAME…",
        .help = "Apply edited settings to running machines",
        .details = "Makes the changes that 'pending' lists, as far as they need no restart, all or none, and names the rest.",
        .example = "boxctl apply web",
        .columns = columns,
        .n_columns = ARRAY_SIZE(columns),
        .rows = "changes",
        .run = apply,
};
