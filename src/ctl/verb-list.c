/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* boxctl list: a row for each running machine, with machinectl's columns. Any user. */

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/machine-inside.h"
#include "ctl/table.h"
#include "ctl/terminal.h"
#include "util/print.h"
#include "util/strv.h"

static const char *const columns[] = { "machine", "class", "service", "os", "version", "addresses" };
/* Text has a state other than running beside the os; machinectl-lite's JSON is machinectl's. */
static const char *const json_columns[] = { "machine", "class", "service", "state", "os", "version", "addresses" };

static bool has_state_column(const Ctl *c)
{
        return output_is_json(c->options.output) && !c->lite;
}

/* At most max addresses, one a line; with mark, "…" after the last if there are more. The caller frees it. NULL: no memory. */
static char *join_addresses(char *const *list, unsigned max, bool mark)
{
        _cleanup_free_ char *text = strdup("");
        unsigned n = 0;

        STRV_FOREACH(a, list) {
                char *longer;
                bool more = n == max;

                if (more && !mark)
                        break;
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

static int add_cells(Ctl *c, Table *t, const RunningMachine *m, const char *state, char *const *os, const char *addresses)
{
        const char *id = strv_env_get(os, "ID"), *version = strv_env_get(os, "VERSION_ID");
        const char *class = running_machine_class(m), *service = running_machine_service(m);
        _cleanup_free_ char *marked = NULL;

        if (has_state_column(c))
                return table_add(t, (const char *const[]) { m->name, class, service, state, id, version, addresses });
        if (!output_is_json(c->options.output) && strcmp(state, "running") != 0 &&
            strf(&marked, "%s%s(%s)", id ?: "", id ? " " : "", state) < 0)
                return -ENOMEM;
        return table_add(t, (const char *const[]) { m->name, class, service, marked ?: id, version, addresses });
}

static int add_machine(Ctl *c, Table *t, const RunningMachine *m, const MachineInside *inside)
{
        _cleanup_free_ char *addresses = NULL;

        /* JSON and --full have all addresses. */
        addresses = join_addresses(inside->addresses, output_is_json(c->options.output) || c->options.full ?
                                                      UINT_MAX : c->options.max_addresses, c->lite || isatty(STDOUT_FILENO));
        if (!addresses)
                return -ENOMEM;
        return add_cells(c, t, m, running_state_name(running_machine_is_frozen(m), inside->silent), inside->os, addresses);
}

static int add_machines(Ctl *c, Table *t, const RunningMachine *list, size_t n)
{
        _cleanup_free_ MachineInside *inside = calloc(n + 1, sizeof(MachineInside));
        int r;

        if (!inside)
                return -ENOMEM;
        r = machines_look_inside(c, list, n, inside);
        for (size_t i = 0; i < n; i++) {
                if (r >= 0)
                        r = add_machine(c, t, &list[i], &inside[i]);
                machine_inside_done(&inside[i]);
        }
        return r;
}

static int fill(Ctl *c, Table *t)
{
        RunningMachine *list = NULL;
        Failure f = { 0 };
        size_t n = 0;
        int r;

        r = running_machines_list(c, &list, &n, &f);
        if (r < 0)
                return log_error(r, "%s", f.text);
        r = add_machines(c, t, list, n);
        running_machines_free(list, n);
        return r < 0 ? log_oom() : 0;
}

static int run(Ctl *c, char *const *args, size_t n)
{
        /* machinectl has no column for no addresses. */
        size_t n_columns = ARRAY_SIZE(columns) - (c->lite && c->options.max_addresses == 0);
        _cleanup_(table_freep) Table *t = has_state_column(c) ? table_new(json_columns, ARRAY_SIZE(json_columns)) :
                                                                table_new(columns, n_columns);
        Failure f = { 0 };
        int r;

        if (!t)
                return log_oom();
        r = fill(c, t);
        if (r < 0)
                return r;

        if (output_is_json(c->options.output)) {
                r = table_print_json(t, stdout, c->lite ? 0 : TABLE_LINES, c->options.output, &f);
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
