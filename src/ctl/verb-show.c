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

/* The properties that machined would have of it. */
static int add_unregistered(const MachineState *s, char ***list)
{
        char when[FORMAT_MAX], leader[24];
        const char *const values[][2] = {
                { "Name", s->name },
                { "Timestamp", format_timestamp(s->started_usec, when) },
                { "Service", "box" },
                { "Unit", s->unit ?: "" },
                { "Leader", leader },
                { "Class", "container" },
                { "RootDirectory", s->root ?: "" },
        };
        int r = 0;

        (void) snprintf(leader, sizeof(leader), "%" PRIi64, (int64_t) s->leader);
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(values); i++)
                r = strv_env_set(list, values[i][0], values[i][1]);
        return r;
}

static int add_ours(const MachineState *s, char ***list)
{
        char supervisor[24], uid_base[16];
        const char *const values[][2] = {
                { "Init", s->booted ? init_flavour_name(s->init) : "none" },
                { "Supervisor", supervisor },
                { "Console", s->console ?: "" },
                { "UIDBase", uid_base },
        };
        int r = 0;

        (void) snprintf(supervisor, sizeof(supervisor), "%" PRIi64, (int64_t) s->supervisor);
        (void) snprintf(uid_base, sizeof(uid_base), "%" PRIu32, s->uid_base);
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(values); i++)
                r = strv_env_set(list, values[i][0], values[i][1]);
        STRV_FOREACH(l, s->links)
                if (r >= 0) {
                        const char *old = strv_env_get(*list, "Links");
                        _cleanup_free_ char *links = NULL;

                        r = strf(&links, "%s%s%s", old ?: "", old ? ", " : "", *l);
                        if (r >= 0)
                                r = strv_env_set(list, "Links", links);
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

static int show_one(Ctl *c, const char *name, Json *j, bool first)
{
        _cleanup_strv_ char **list = NULL;
        Failure f = { 0 };
        int r;

        if (name)
                r = collect(c, name, &list, &f);
        else {
                sd_bus *bus = ctl_bus(c, &f);

                r = bus ? machined_properties_text(bus, NULL, c->options.all, &list, &f) : f.error;
        }
        if (r < 0)
                return name ? complain(name, &f) : log_error(r, "%s", f.text);
        if (!first && !j)
                putchar('\n');
        if (j)
                put_json(c, list, j);
        else
                print_text(c, list);
        return 0;
}

static int run(Ctl *c, char *const *args, size_t n)
{
        return n > 0 ? print_each(c, args, n, show_one) : print_each(c, (char *const[]) { NULL }, 1, show_one);
}

const Verb verb_show = {
        .name = "show",
        .max = VERB_ANY,
        .flags = VERB_TAKES_RUNNING | VERB_MANY,
        .synopsis = "[NAME…]",
        .help = "Show properties as KEY=VALUE",
        .details = "Without a name, systemd-machined's own.",
        .example = "boxctl show -P Leader web",
        .run = run,
};
