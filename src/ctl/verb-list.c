/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* boxctl list: a row for each running machine, with machinectl's columns; with --all for each of the host. Any user. */

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/columns.h"
#include "ctl/dry-run.h"
#include "ctl/failed.h"
#include "ctl/host-machines.h"
#include "ctl/live.h"
#include "ctl/machine-inside.h"
#include "ctl/terminal.h"
#include "util/print.h"
#include "util/strv.h"

/* Text has a state other than running beside the os, unless the column is asked for. */
static const Column columns[] = {
        { 'n', "machine",   0,                              0, "Name" },
        { 'c', "class",     0,                              2, "container, vm or host" },
        { 's', "service",   0,                              1, "The manager that runs it: box, systemd-nspawn, …" },
        { 't', "state",     COLUMN_STATE | COLUMN_MORE,     0, "running, frozen, no answer, stopped, failed, starting, …" },
        { 'o', "os",        0,                              0, "Operating system" },
        { 'v', "version",   0,                              3, "Its version" },
        { 'a', "addresses", COLUMN_LINES,                   0, "Network addresses" },
        { 'e', "enabled",   COLUMN_MORE,                    0, "Is it started at boot? enabled, disabled, masked, …" },
        { 'd', "tree",      COLUMN_MORE,                    0, "Directory or image of its files" },
        { 'f', "file",      COLUMN_MORE,                    0, "Its settings file" },
        { 'w', "reason",    COLUMN_MORE,                    0, "Why it has failed" },
};
enum { STATE = 3, ENABLED = 7, TREE, FILE_, REASON };

/* Of running machines; what is of all of the host only where it is asked for. */
static const char running_fields[] = "machine,class,service,state,os,version,addresses";
static const char all_columns[] = "machine,state,enabled,addresses,tree,file";

/* machinectl's columns, which machinectl-lite has. */
static const size_t lite_columns[] = { 0, 1, 2, 4, 5, 6 };

static Columns wanted;

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

/* One setting's values, one a line. */
static int setting_text(const JsonNode *dry, const char *key, char **ret)
{
        _cleanup_free_ char *text = NULL;

        JSON_FOREACH(setting, json_member(dry, "settings")) {
                const char *own = json_member_string(setting, "key");

                if (!own || strcmp(own, key) != 0)
                        continue;
                JSON_FOREACH(value, json_member(setting, "values")) {
                        char *longer;

                        if (strf(&longer, "%s%s%s", text ?: "", text ? "\n" : "", json_member_string(value, "value") ?: "") < 0)
                                return -ENOMEM;
                        free(text);
                        text = longer;
                }
        }
        *ret = TAKE_PTR(text);
        return 0;
}

/* Settings are read as a start would read them; a machine whose settings cannot be read has none. */
static int add_row(Ctl *c, Table *t, const char *const *fixed)
{
        _cleanup_free_ const char **cells = calloc(wanted.n_all, sizeof(char *));
        _cleanup_strv_ char **texts = NULL;
        _cleanup_json_ Json *dry = NULL;
        Failure ignored = { 0 };
        int r = 0;

        if (!cells)
                return -ENOMEM;
        memcpy(cells, fixed, wanted.n_fixed * sizeof(char *));
        if (wanted.n_all > wanted.n_fixed && dry_run(c, fixed[0], NULL, &dry, &ignored) >= 0)
                for (size_t i = wanted.n_fixed; r >= 0 && i < wanted.n_all; i++) {
                        char *text = NULL;

                        r = setting_text(json_root(dry), wanted.all[i].name, &text);
                        cells[i] = text;
                        if (text)
                                r = strv_consume(&texts, text);
                }
        return r < 0 ? r : table_add(t, cells);
}

/* A running machine with its state, or another one. */
typedef struct Row {
        const HostMachine *machine;
        const RunningMachine *running;  /* NULL: it does not run */
        const MachineInside *inside;
        const char *state;
} Row;

static int add_cells(Ctl *c, Table *t, const Row *row)
{
        static const MachineInside unknown = { 0 };
        const MachineInside *in = row->inside ?: &unknown;
        const char *id = strv_env_get(in->os, "ID"), *version = strv_env_get(in->os, "VERSION_ID");
        _cleanup_free_ char *marked = NULL, *addresses = NULL, *reason = NULL;
        const RunningMachine *m = row->running;
        const char *root = m ? running_machine_root(m) : "";

        /* JSON and --full have all addresses. */
        addresses = join_addresses(in->addresses, output_is_json(c->options.output) || c->options.full ?
                                                  UINT_MAX : c->options.max_addresses, c->lite || isatty(STDOUT_FILENO));
        if (!addresses)
                return -ENOMEM;
        if (!columns_want(&wanted, STATE, !c->lite && output_is_json(c->options.output)) &&
            strcmp(row->state, "running") != 0 &&
            strf(&marked, "%s%s(%s)", id ?: "", id ? " " : "", row->state) < 0)
                return -ENOMEM;
        if (columns_want(&wanted, REASON, output_is_json(c->options.output)) && row->machine->unit &&
            strcmp(row->machine->unit->active_state, "failed") == 0)
                reason = failed_machine_reason(c, row->machine->unit->name);
        return add_row(c, t, (const char *const[]) {
                row->machine->name, m ? running_machine_class(m) : "container", m ? running_machine_service(m) : NULL,
                row->state, marked ?: id, version, addresses, row->machine->enabled,
                *root ? root : row->machine->tree, row->machine->file, reason });
}

static int add_machine(Ctl *c, Table *t, const HostMachine *h, const RunningMachine *list, const MachineInside *inside)
{
        Row row = { .machine = h, .state = host_machine_state(h) };
        char live[LIVE_STATE_MAX];

        if (h->running != SIZE_MAX) {
                row.running = &list[h->running];
                row.inside = &inside[h->running];
                if (!row.state)
                        row.state = running_state_name(!c->options.machine && running_machine_is_frozen(row.running),
                                                       row.inside->silent);
                if (row.running->ours && !c->lite && !output_is_json(c->options.output) && strcmp(row.state, "running") == 0 &&
                    *live_state(c, h->name, live))
                        row.state = live;
        }
        row.state = row.state ?: "running";
        return add_cells(c, t, &row);
}

static int add_machines(Ctl *c, Table *t, const HostSources *s, const RunningMachine *list, size_t n)
{
        _cleanup_free_ MachineInside *inside = calloc(n + 1, sizeof(MachineInside));
        HostMachine *machines = NULL;
        size_t n_machines = 0;
        int r = inside ? host_machines_merge(s, &machines, &n_machines) : -ENOMEM;

        if (r >= 0)
                r = machines_look_inside(c, list, n, inside);
        for (size_t i = 0; r >= 0 && i < n_machines; i++)
                if (machines[i].running != SIZE_MAX || (c->options.all && !c->lite))
                        r = add_machine(c, t, &machines[i], list, inside);
        for (size_t i = 0; inside && i < n; i++)
                machine_inside_done(&inside[i]);
        host_machines_free(machines, n_machines);
        return r;
}

/* Facts of machines that do not run, and of running ones beside that: read only if they are shown. */
static int read_sources(Ctl *c, HostSources *s)
{
        bool needed = c->options.all;
        sd_bus *bus;

        for (size_t i = ENABLED; i <= REASON; i++)
                needed = needed || columns_want(&wanted, i, output_is_json(c->options.output));
        if (c->lite || !needed || c->options.machine)
                return 0;
        bus = ctl_bus(c, NULL);
        if (bus)
                (void) systemd1_list_units(bus, NULL, MACHINE_UNITS, &s->units, &s->n_units, NULL);
        return host_sources_read("", NULL, s);
}

static int fill(Ctl *c, Table *t)
{
        _cleanup_(host_sources_done) HostSources s = { 0 };
        RunningMachine *list = NULL;
        Failure f = { 0 };
        size_t n = 0;
        int r;

        r = running_machines_list(c, &list, &n, &f);
        /* Without a bus, and with nothing of box's that runs, others can be listed all the same. */
        if (r < 0 && (!c->options.all || c->lite))
                return log_error(r, "%s", f.text);
        if (r < 0)
                log_warning(r, "%s", f.text);
        r = 0;
        /* The host is no machine of itself. */
        if (!c->lite && n > 0 && list[0].name[0] == '.') {
                running_machine_done(&list[0]);
                memmove(list, list + 1, --n * sizeof(*list));
        }
        for (size_t i = 0; r >= 0 && i < n; i++)
                r = strv_extend(&s.running, list[i].name);
        if (r >= 0)
                r = read_sources(c, &s);
        if (r >= 0)
                r = add_machines(c, t, &s, list, n);
        running_machines_free(list, n);
        return r < 0 ? log_oom() : 0;
}

/* NULL: what the table shows by default. */
static const char *columns_of(const Ctl *c)
{
        if (c->lite || c->options.columns)
                return c->lite ? NULL : c->options.columns;
        if (output_is_json(c->options.output))
                return c->options.all ? NULL : running_fields;
        return c->options.all ? all_columns : NULL;
}

static int run(Ctl *c, char *const *args, size_t n)
{
        /* machinectl has no column for no addresses. */
        const size_t n_lite = ARRAY_SIZE(lite_columns) - (c->options.max_addresses == 0);
        _cleanup_(table_freep) Table *t = NULL;
        Failure f = { 0 };
        int r;

        if (columns_choose(columns, ARRAY_SIZE(columns), columns_of(c), COLUMNS_SETTINGS, &wanted,
                           &f) < 0)
                return log_error(f.error, "%s", f.text);
        t = columns_table(&wanted);
        if (!t || (c->lite && table_choose(t, lite_columns, n_lite) < 0))
                return log_oom();
        r = fill(c, t);
        if (r < 0)
                return r;

        if (output_is_json(c->options.output)) {
                r = table_print_json(t, stdout, c->lite ? TABLE_JSON_TEXTS : 0, c->options.output, &f);
                return r < 0 ? log_error(r, "%s", f.text) : 0;
        }

        pager_open(c);
        if (!c->lite && !c->options.no_legend && !c->options.machine) {
                r = failed_machines_print(c);
                if (r < 0)
                        return log_oom();
                if (r > 0)
                        putchar('\n');
        }
        r = table_rows(t) == 0 ? 0 :
            table_print(t, stdout, TABLE_SORT | (c->options.no_legend ? 0 : TABLE_HEADER) |
                                   (terminal_has_colour() ? TABLE_COLOUR : 0), terminal_width(c));
        if (r < 0)
                return log_oom();
        if (c->options.no_legend)
                return 0;
        if (table_rows(t) == 0)
                printf("No machines.\n");
        else if (r > 0)
                printf("\n%zu machines listed. Columns left out: %d; all: --full\n", table_rows(t), r);
        else
                printf("\n%zu machines listed.\n", table_rows(t));
        return 0;
}

const Verb verb_list = {
        .name = "list",
        .max = 0,
        .flags = VERB_DEFAULT,
        .synopsis = "",
        .help = "List running machines, or all",
        .details = "All machines that are registered with systemd-machined, and those of box that are not. With --all, all "
                   "machines of this host: also those that have only a tree, an image, a settings file, or a unit that is "
                   "enabled or has failed.",
        .example = "boxctl list --json machine,addresses",
        .columns = columns,
        .n_columns = ARRAY_SIZE(columns),
        .run = run,
};
