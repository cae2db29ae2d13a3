/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * boxctl show: properties as KEY=VALUE, for scripts. Of a registered machine, all that machined has, in its order; boxctl, but
 * not machinectl-lite, adds those that box keeps. Without a name: machined's own. Any user.
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bus/bus.h"
#include "ctl/format.h"
#include "ctl/running-machine.h"
#include "ctl/terminal.h"
#include "util/json.h"
#include "util/parse.h"
#include "util/print.h"
#include "util/strv.h"
#include "util/text.h"

static int add(char ***list, const char *key, const char *format, ...) _printf_(3, 4);
static int add(char ***list, const char *key, const char *format, ...)
{
        _cleanup_free_ char *value = NULL;
        va_list ap;
        int r;

        va_start(ap, format);
        r = strfv(&value, format, ap);
        va_end(ap);
        return r < 0 ? r : strv_env_set(list, key, value);
}

/* The properties that machined would have of it. */
static int add_unregistered(const MachineState *s, char ***list)
{
        char when[FORMAT_MAX];
        int r;

        r = add(list, "Name", "%s", s->name);
        if (r >= 0)
                r = add(list, "Timestamp", "%s", format_timestamp(s->started_usec, when));
        if (r >= 0)
                r = add(list, "Service", "box");
        if (r >= 0)
                r = add(list, "Unit", "%s", s->unit);
        if (r >= 0)
                r = add(list, "Leader", "%" PRIi64, (int64_t) s->leader);
        if (r >= 0)
                r = add(list, "Class", "container");
        if (r >= 0)
                r = add(list, "RootDirectory", "%s", s->root);
        return r;
}

static int add_ours(const MachineState *s, char ***list)
{
        int r;

        r = add(list, "Init", "%s", s->booted ? init_flavour_name(s->init) : "none");
        if (r >= 0)
                r = add(list, "Supervisor", "%" PRIi64, (int64_t) s->supervisor);
        if (r >= 0)
                r = add(list, "Console", "%s", s->console ?: "");
        if (r >= 0)
                r = add(list, "UIDBase", "%" PRIu32, s->uid_base);
        STRV_FOREACH(l, s->links)
                if (r >= 0) {
                        const char *old = strv_env_get(*list, "Links");

                        r = old ? add(list, "Links", "%s, %s", old, *l) : add(list, "Links", "%s", *l);
                }
        return r;
}

/* machined has times as numbers; machinectl prints dates. */
static int format_times(char **list)
{
        static const char key[] = "Timestamp=";
        char when[FORMAT_MAX];
        uint64_t usec;

        for (char **s = list; s && *s; s++)
                if (strncmp(*s, key, sizeof(key) - 1) == 0 && parse_u64(*s + sizeof(key) - 1, &usec) >= 0) {
                        char *line;

                        if (strf(&line, "%s%s", key, format_timestamp(usec, when)) < 0)
                                return -ENOMEM;
                        free(*s);
                        *s = line;
                }
        return 0;
}

static int collect(Ctl *c, const char *name, char ***ret, Failure *failure)
{
        _cleanup_(running_machine_done) RunningMachine m = { 0 };
        _cleanup_strv_ char **list = NULL;
        int r;

        r = running_machine_find(c, name, &m, failure);
        if (r < 0)
                return r;
        if (m.registered)
                r = machined_properties_text(ctl_bus(c, NULL), name, c->options.all, &list, failure);
        else
                r = add_unregistered(&m.state, &list);
        if (r >= 0)
                r = format_times(list);
        if (r >= 0 && m.ours && !c->lite)
                r = add_ours(&m.state, &list);
        if (r < 0)
                return failure_set(failure, r, "Failed to get the machine's properties: %m");

        *ret = TAKE_PTR(list);
        return 0;
}

static bool wanted(const Ctl *c, const char *line, size_t key_size)
{
        if (!c->options.properties)
                return true;
        STRV_FOREACH(p, c->options.properties)
                if (strlen(*p) == key_size && strncmp(*p, line, key_size) == 0)
                        return true;
        return false;
}

static void print_text(const Ctl *c, char *const *list)
{
        STRV_FOREACH(line, list) {
                size_t n = strcspn(*line, "=");

                if (!wanted(c, *line, n))
                        continue;
                if (!c->options.all && !(*line)[n + 1])
                        continue;
                text_make_printable(*line);
                puts(c->options.value ? *line + n + 1 : *line);
        }
}

static void put_json(const Ctl *c, char *const *list, Json *j)
{
        json_begin_object(j, NULL);
        STRV_FOREACH(line, list) {
                size_t n = strcspn(*line, "=");

                if (!wanted(c, *line, n))
                        continue;
                text_make_printable(*line);
                (*line)[n] = '\0';
                json_put_string(j, *line, *line + n + 1);
        }
        json_end(j);
}

static int show_one(Ctl *c, const char *name, Json *j, Failure *failure)
{
        _cleanup_strv_ char **list = NULL;
        int r;

        if (name)
                r = collect(c, name, &list, failure);
        else {
                sd_bus *bus = ctl_bus(c, failure);

                r = bus ? machined_properties_text(bus, NULL, c->options.all, &list, failure) : failure->error;
        }
        if (r < 0)
                return r;
        if (j)
                put_json(c, list, j);
        else
                print_text(c, list);
        return 0;
}

static int show_all(Ctl *c, char *const *args, size_t n, Json *j)
{
        int r, first = 0;

        for (size_t i = 0; i < n; i++) {
                Failure f = { 0 };

                if (i > 0 && !j)
                        putchar('\n');
                r = show_one(c, args[i], j, &f);
                if (r < 0) {
                        (void) complain(args[i], &f);
                        first = first < 0 ? first : r;
                }
        }
        return first;
}

static int run(Ctl *c, char *const *args, size_t n)
{
        _cleanup_json_ Json *j = NULL;
        Failure f = { 0 };
        int r = 0;

        if (output_is_json(c->options.output))
                r = json_new(&j, &f);
        else
                pager_open(c);
        if (r < 0)
                return log_error(r, "%s", f.text);
        if (j)
                json_begin_array(j, NULL);
        if (n > 0)
                r = show_all(c, args, n, j);
        else {
                r = show_one(c, NULL, j, &f);
                if (r < 0)
                        log_error(r, "%s", f.text);
        }
        if (j && json_print(j, stdout, output_json_indent(c->options.output)) < 0)
                return log_error(-EIO, "Failed to write the output: %m");
        return r;
}

const Verb verb_show = {
        .name = "show",
        .max = VERB_ANY,
        .flags = VERB_TAKES_RUNNING,
        .synopsis = "[NAME…]",
        .help = "Show properties as KEY=VALUE",
        .details = "Without a name, systemd-machined's own.",
        .run = run,
};
