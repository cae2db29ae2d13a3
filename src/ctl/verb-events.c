/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * boxctl events: what happens to machines, a line each. Part of boxctl; any user. Machines of box tell it themselves, systemd of
 * those that fail; of others' machines machined tells that they come and go.
 */

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bus/machined.h"
#include "bus/systemd1.h"
#include "ctl/failed.h"
#include "ctl/listing.h"
#include "ctl/machine-watch.h"
#include "ctl/verb.h"
#include "util/clock.h"
#include "util/fd.h"
#include "util/strv.h"
#include "util/text.h"

typedef struct Events {
        Ctl *ctl;
        char *const *names;     /* none: of all machines */
        size_t n;
        sd_event *event;
        char **failed;          /* units whose failure was told: systemd tells of each several times */
        int error;
} Events;

static bool is_wanted(const Events *v, const char *machine)
{
        for (size_t i = 0; i < v->n; i++)
                if (fnmatch(v->names[i], machine, FNM_PERIOD) == 0)
                        return true;
        return v->n == 0;
}

static int print_json(Ctl *c, const MachineEvent *e)
{
        _cleanup_json_ Json *j = NULL;
        int r = json_new(&j, NULL);

        if (r < 0)
                return r;
        json_begin_object(j, NULL);
        json_put_number(j, "usec", (int64_t) e->usec);
        json_put_string(j, "machine", e->machine);
        json_put_string(j, "event", e->event);
        json_put_string(j, "state", e->state);
        json_put_string(j, "reason", e->reason);
        json_end(j);
        return objects_print(c, j);
}

static void print_text(const MachineEvent *e)
{
        const time_t seconds = (time_t) (e->usec / USEC_PER_SEC);
        _cleanup_free_ char *reason = e->reason ? strdup(e->reason) : NULL;
        char event[64], time[32] = "";
        struct tm tm;

        if (localtime_r(&seconds, &tm))
                (void) strftime(time, sizeof(time), "%F %T", &tm);
        (void) snprintf(event, sizeof(event), "%s", e->event);
        text_make_printable(event);
        if (reason)
                text_make_printable(reason);
        printf("%s.%03u %s %s%s%s\n", time, (unsigned) (e->usec / 1000 % 1000), e->machine, event, reason ? ": " : "",
               reason ?: "");
}

static void on_event(const MachineEvent *e, void *userdata)
{
        Events *v = userdata;
        MachineEvent named = *e;
        int r = 0;

        if (!is_wanted(v, e->machine))
                return;
        if (strcmp(e->event, "subscribed") == 0)
                named.event = e->state;
        if (output_is_json(v->ctl->options.output))
                r = print_json(v->ctl, &named);
        else
                print_text(&named);
        if (r >= 0 && fflush(stdout) != 0)
                r = -errno;
        if (r >= 0)
                return;
        v->error = r;
        (void) sd_event_exit(v->event, 0);
}

/* ---- machines of others ----------------------------------------------------------------------------------------- */

static int on_machined(sd_bus_message *m, void *userdata, sd_bus_error *reterr_error)
{
        MachineEvent e = { .event = sd_bus_message_is_signal(m, NULL, "MachineNew") ? "registered" : "unregistered", .state = "",
                           .usec = clock_usec(CLOCK_REALTIME) };

        if (sd_bus_message_read(m, "s", &e.machine) >= 0 && strcmp(e.machine, ".host") != 0)
                on_event(&e, userdata);
        return 0;
}

/* ---- failures ---------------------------------------------------------------------------------------------------- */

/* ActiveState of PropertiesChanged (sa{sv}as). NULL: it is not among them. */
static const char *changed_state(sd_bus_message *m)
{
        const char *property, *state = NULL;
        int r;

        r = sd_bus_message_skip(m, "s");
        if (r >= 0)
                r = sd_bus_message_enter_container(m, 'a', "{sv}");
        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                r = sd_bus_message_read(m, "s", &property);
                if (r >= 0)
                        r = strcmp(property, "ActiveState") == 0 ? sd_bus_message_read(m, "v", "s", &state) :
                                                                   sd_bus_message_skip(m, "v");
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }
        return r < 0 ? NULL : state;
}

static void forget(char **list, const char *text)
{
        char **to = list;

        for (char **from = list; from && *from; from++)
                if (strcmp(*from, text) == 0)
                        free(*from);
                else
                        *to++ = *from;
        if (to)
                *to = NULL;
}

static int on_unit(sd_bus_message *m, void *userdata, sd_bus_error *reterr_error)
{
        _cleanup_free_ char *unit = NULL, *name = NULL, *reason = NULL;
        const char *state = changed_state(m);
        Events *v = userdata;

        if (!state || sd_bus_path_decode(sd_bus_message_get_path(m), "/org/freedesktop/systemd1/unit", &unit) <= 0 ||
            fnmatch(MACHINE_UNITS, unit, 0) != 0)
                return 0;
        if (strcmp(state, "failed") != 0) {
                forget(v->failed, unit);
                return 0;
        }
        if (strv_contains(v->failed, unit))
                return 0;
        name = failed_machine_name(unit);
        reason = failed_machine_reason(v->ctl, unit);
        if (name && reason && strv_extend(&v->failed, unit) >= 0)
                on_event(&(MachineEvent) { .machine = name, .event = "failed", .state = "failed", .reason = reason,
                                           .usec = clock_usec(CLOCK_REALTIME) }, v);
        return 0;
}

/* Without a bus there are no others, and nothing tells of failures. */
static void watch_bus(Events *v)
{
        static const char units[] = "type='signal',sender='org.freedesktop.systemd1',"
                                    "interface='org.freedesktop.DBus.Properties',member='PropertiesChanged',"
                                    "path_namespace='/org/freedesktop/systemd1/unit',arg0='org.freedesktop.systemd1.Unit'";
        sd_bus *bus = ctl_bus(v->ctl, NULL);

        if (!bus || sd_bus_attach_event(bus, v->event, SD_EVENT_PRIORITY_NORMAL) < 0)
                return;
        (void) sd_bus_call_method_async(bus, NULL, BUS_SYSTEMD1, BUS_SYSTEMD1_PATH, BUS_SYSTEMD1_MANAGER, "Subscribe", NULL,
                                        NULL, NULL);
        (void) sd_bus_add_match_async(bus, NULL, units, on_unit, NULL, v);
        (void) sd_bus_match_signal_async(bus, NULL, "org.freedesktop.machine1", "/org/freedesktop/machine1",
                                                 "org.freedesktop.machine1.Manager", NULL, on_machined, NULL, v);
}

static void event_unrefp(sd_event **event)
{
        *event = sd_event_unref(*event);
}

static int run_events(Ctl *c, char *const *args, size_t n)
{
        _cleanup_(machine_watch_freep) MachineWatch *watch = NULL;
        _cleanup_(event_unrefp) sd_event *event = NULL;
        Events v = { .ctl = c, .names = args, .n = n };
        Failure f = {};
        int r;

        r = sd_event_new(&event);
        if (r < 0)
                return log_error(r, "Failed to create an event loop: %m");
        v.event = event;
        r = machine_watch_new(event, on_event, &v, &watch, &f);
        if (r < 0)
                return log_error(r, "%s", f.text);
        watch_bus(&v);
        r = sd_event_loop(event);
        if (c->bus)
                (void) sd_bus_detach_event(c->bus);
        strv_free(v.failed);
        return r < 0 ? log_error(r, "Failed to wait for events: %m") : v.error;
}

static const Column columns[] = {
        { 'u', "usec",    0, 0, "When, in microseconds since 1970" },
        { 'm', "machine", 0, 0, "Name" },
        { 'e', "event",   0, 0, "What has happened" },
        { 's', "state",   0, 0, "State of the machine after it" },
        { 'r', "reason",  0, 0, "Why it has failed" },
};

const Verb verb_events = {
        .name = "events",
        .max = VERB_ANY,
        .flags = VERB_OURS | VERB_TAKES_RUNNING,
        .synopsis = "[NAME…]",
        .help = "Print what happens to machines, as it happens",
        .details = "A line each: time, machine, and starting, running, ready, paused, resumed, stopping, rebooting (it was "
                   "asked to), stopped, rebooted (it has ended), died (its supervisor was killed), or failed, with the "
                   "reason: it could not be started, or ended so. First the state of those that run. Names may be globs, also of "
                   "machines that come later. "
                   "Also registered and unregistered, which systemd-machined tells, of the machines of others, too. Ends never: "
                   "with head, timeout or ^C. With -o json an object a line.",
        .example = "boxctl events -o json web db",
        .columns = columns,
        .n_columns = ARRAY_SIZE(columns),
        .run = run_events,
};
