/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * boxctl events: what happens to machines, a line each. Part of boxctl; any user. Machines of box tell it themselves; of others'
 * machines machined tells that they come and go.
 */

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bus/machined.h"
#include "ctl/machine-watch.h"
#include "ctl/verb.h"
#include "util/clock.h"
#include "util/fd.h"
#include "util/text.h"

typedef struct Events {
        Ctl *ctl;
        char *const *names;     /* none: of all machines */
        size_t n;
        sd_event *event;
        int error;
} Events;

static bool is_wanted(const Events *v, const char *machine)
{
        for (size_t i = 0; i < v->n; i++)
                if (strcmp(v->names[i], machine) == 0)
                        return true;
        return v->n == 0;
}

static int print_json(const MachineEvent *e, OutputMode mode)
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
        json_end(j);
        return json_print(j, stdout, output_json_indent(mode));
}

static void print_text(const MachineEvent *e)
{
        const time_t seconds = (time_t) (e->usec / USEC_PER_SEC);
        char event[64], time[32] = "";
        struct tm tm;

        if (localtime_r(&seconds, &tm))
                (void) strftime(time, sizeof(time), "%F %T", &tm);
        (void) snprintf(event, sizeof(event), "%s", e->event);
        text_make_printable(event);
        printf("%s.%03u %s %s\n", time, (unsigned) (e->usec / 1000 % 1000), e->machine, event);
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
                r = print_json(&named, v->ctl->options.output);
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

/* Without a bus, or machined, there are no others. */
static void watch_machined(Events *v)
{
        sd_bus *bus = ctl_bus(v->ctl, NULL);

        if (bus && sd_bus_attach_event(bus, v->event, SD_EVENT_PRIORITY_NORMAL) >= 0)
                (void) sd_bus_match_signal_async(bus, NULL, "org.freedesktop.machine1", "/org/freedesktop/machine1",
                                                 "org.freedesktop.machine1.Manager", NULL, on_machined, NULL, v);
}

static int run_events(Ctl *c, char *const *args, size_t n)
{
        _cleanup_(machine_watch_freep) MachineWatch *watch = NULL;
        _cleanup_(sd_event_unrefp) sd_event *event = NULL;
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
        watch_machined(&v);
        r = sd_event_loop(event);
        if (c->bus)
                (void) sd_bus_detach_event(c->bus);
        return r < 0 ? log_error(r, "Failed to wait for events: %m") : v.error;
}

const Verb verb_events = {
        .name = "events",
        .max = VERB_ANY,
        .flags = VERB_OURS | VERB_TAKES_RUNNING,
        .synopsis = "[NAME…]",
        .help = "Print what happens to machines, as it happens",
        .details = "A line each: time, machine, and starting, running, ready, paused, resumed, stopping, rebooting (it was "
                   "asked to), stopped, rebooted (it has ended), or died (its supervisor was killed). First the state of those "
                   "that run. "
                   "Also registered and unregistered, which systemd-machined tells, of the machines of others, too. Ends never: "
                   "with head, timeout or ^C. With -o json an object a line.",
        .example = "boxctl events -o json web db",
        .run = run_events,
};
