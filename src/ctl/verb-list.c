/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* boxctl list: a row for each running machine, with machinectl's columns. Any user. */

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/running-machine.h"
#include "ctl/table.h"
#include "ctl/terminal.h"
#include "util/clock.h"
#include "util/print.h"
#include "util/strv.h"

static const char *const columns[] = { "machine", "class", "service", "os", "version", "addresses" };
/* Text has a state other than running beside the os; machinectl-lite's JSON is machinectl's. */
static const char *const json_columns[] = { "machine", "class", "service", "state", "os", "version", "addresses" };

/* One machine, while all are looked at. */
typedef struct Entry {
        const MachineRow *row;
        RunningMachine machine; /* name is NULL: it has ended since it was listed, and gets a row without details */
        Look look;
} Entry;

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

static int add_cells(Ctl *c, Table *t, const MachineRow *row, const char *state, char *const *os, const char *addresses)
{
        const char *id = strv_env_get(os, "ID"), *version = strv_env_get(os, "VERSION_ID");
        _cleanup_free_ char *marked = NULL;

        if (has_state_column(c))
                return table_add(t, (const char *const[]) { row->name, row->class, row->service, state, id, version, addresses });
        if (!output_is_json(c->options.output) && strcmp(state, "running") != 0 &&
            strf(&marked, "%s%s(%s)", id ?: "", id ? " " : "", state) < 0)
                return -ENOMEM;
        return table_add(t, (const char *const[]) { row->name, row->class, row->service, marked ?: id, version, addresses });
}

static int add_machine(Ctl *c, Table *t, Entry *e, uint64_t deadline)
{
        _cleanup_strv_ char **os = NULL, **list = NULL;
        _cleanup_free_ char *addresses = NULL;
        sd_bus *bus = ctl_bus(c, NULL);
        bool silent = false, frozen = false;

        if (e->machine.name) {
                silent = running_machine_os_release(c, &e->machine, &e->look, deadline, &os) == -ETIMEDOUT;
                frozen = running_machine_is_frozen(&e->machine);
                if (e->machine.registered && bus && !c->machined_is_silent)
                        (void) machined_addresses(bus, e->row->name, /* ifindex= */ 0, &list, NULL);
        }
        /* JSON and --full have all addresses. */
        addresses = join_addresses(list, output_is_json(c->options.output) || c->options.full ?
                                         UINT_MAX : c->options.max_addresses, c->lite || isatty(STDOUT_FILENO));
        if (!addresses)
                return -ENOMEM;
        return add_cells(c, t, e->row, running_state_name(frozen, silent), os, addresses);
}

static int add_machines(Ctl *c, Table *t, const MachineRow *rows, size_t n)
{
        _cleanup_free_ Entry *entries = calloc(n + 1, sizeof(Entry));
        uint64_t deadline = clock_usec(CLOCK_MONOTONIC) + LOOK_USEC;
        size_t n_entries = 0;
        int r = 0;

        if (!entries)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                Entry *e = &entries[n_entries];

                if (!c->options.all && rows[i].name[0] == '.')
                        continue;
                *e = (Entry) { .row = &rows[i], .look = LOOK_NULL };
                if (running_machine_find(c, rows[i].name, &e->machine, NULL) >= 0)
                        (void) running_machine_look(&e->machine, &e->look);
                n_entries++;
        }
        for (size_t i = 0; i < n_entries; i++) {
                if (r >= 0)
                        r = add_machine(c, t, &entries[i], deadline);
                look_done(&entries[i].look);
                running_machine_done(&entries[i].machine);
        }
        return r;
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
        r = add_machines(c, t, rows, n);
        machine_rows_free(rows, n);
        return r < 0 ? log_oom() : 0;
}

static int run(Ctl *c, char *const *args, size_t n)
{
        _cleanup_(table_freep) Table *t = has_state_column(c) ? table_new(json_columns, ARRAY_SIZE(json_columns)) :
                                                                table_new(columns, ARRAY_SIZE(columns));
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
