/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* boxctl list: a row for each running machine, with machinectl's columns. Any user. */

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "ctl/running-machine.h"
#include "ctl/table.h"
#include "ctl/terminal.h"
#include "util/strv.h"

static const char *const columns[] = { "machine", "class", "service", "os", "version", "addresses" };

/* At most max addresses, one a line; "…" after the last if there are more. The caller frees it. NULL: no memory. */
static char *join_addresses(char *const *list, unsigned max)
{
        _cleanup_free_ char *text = strdup("");
        unsigned n = 0;

        STRV_FOREACH(a, list) {
                char *longer;
                bool more = n == max;

                if (!text || asprintf(&longer, "%s%s%s", text, n > 0 && !more ? "\n" : "", more ? "…" : *a) < 0)
                        return NULL;
                free(text);
                text = longer;
                if (more)
                        break;
                n++;
        }
        return TAKE_PTR(text);
}

static int add_machine(Ctl *c, Table *t, const MachineRow *row)
{
        _cleanup_strv_ char **os = NULL, **list = NULL;
        _cleanup_(running_machine_done) RunningMachine m = { 0 };
        _cleanup_free_ char *addresses = NULL;
        sd_bus *bus = ctl_bus(c, NULL);

        /* A machine that has ended since it was listed gets a row without details. */
        if (running_machine_find(c, row->name, &m, NULL) >= 0) {
                (void) running_machine_os_release(c, &m, &os);
                if (m.registered && bus)
                        (void) machined_addresses(bus, row->name, /* ifindex= */ 0, &list, NULL);
        }
        /* JSON and --full have all addresses. */
        addresses = join_addresses(list, output_is_json(c->options.output) || c->options.full ?
                                         UINT_MAX : c->options.max_addresses);
        if (!addresses)
                return -ENOMEM;

        return table_add(t, (const char *const[]) { row->name, row->class, row->service, strv_env_get(os, "ID"),
                                                    strv_env_get(os, "VERSION_ID"), addresses });
}

static int fill(Ctl *c, Table *t)
{
        MachineRow *rows = NULL;
        Failure f = { 0 };
        size_t n = 0;
        int r;

        r = running_machine_list(c, &rows, &n, &f);
        if (r < 0)
                return log_error(r, "%s", f.text);
        for (size_t i = 0; r >= 0 && i < n; i++)
                if (c->options.all || rows[i].name[0] != '.')
                        r = add_machine(c, t, rows + i);
        machine_rows_free(rows, n);
        return r < 0 ? log_oom() : 0;
}

static int run(Ctl *c, char *const *args, size_t n)
{
        _cleanup_(table_freep) Table *t = table_new(columns, ARRAY_SIZE(columns));
        Failure f = { 0 };
        int r;

        if (!t)
                return log_oom();
        r = fill(c, t);
        if (r < 0)
                return r;

        if (output_is_json(c->options.output)) {
                r = table_print_json(t, stdout, c->options.output, &f);
                return r < 0 ? log_error(r, "%s", f.text) : 0;
        }

        pager_open(c);
        if (table_rows(t) > 0 &&
            table_print(t, stdout, TABLE_SORT | (c->options.no_legend ? 0 : TABLE_HEADER) |
                                   (terminal_has_colour() ? TABLE_COLOUR : 0), terminal_width(c)) < 0)
                return log_oom();
        if (c->options.no_legend)
                return 0;
        if (table_rows(t) > 0)
                printf("\n%zu machines listed.\n", table_rows(t));
        else
                printf("No machines.\n");
        return 0;
}

const Verb verb_list = {
        .name = "list",
        .max = 0,
        .flags = VERB_DEFAULT,
        .synopsis = "",
        .help = "List running machines",
        .details = "All machines that are registered with systemd-machined, and those of box that are not. With --all, also "
                   "the host itself (.host).",
        .run = run,
};
