/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * boxctl wait: until machines are ready, have stopped, have an address, a unit or a port. Part of boxctl. Any user for events
 * that machines tell; root of the host for what is looked at in their namespaces. Sockets that begin to listen, and a bus in a
 * machine that is not there yet, are no events: a timer looks for these two.
 */

#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "bus/machined.h"
#include "ctl/machine-net.h"
#include "ctl/machine-watch.h"
#include "ctl/many.h"
#include "ctl/running-machine.h"
#include "image/machine-name.h"
#include "util/clock.h"
#include "util/fd.h"
#include "util/parse.h"
#include "util/print.h"
#include "util/quantity.h"
#include "util/strv.h"

enum { LOOK_AGAIN_USEC = 250 * 1000 };

typedef struct Wait Wait;
typedef struct Waiting Waiting;

/* A kind of goal: what is done once the machine runs, and again after LOOK_AGAIN_USEC. */
typedef struct Goal {
        const char *name;               /* with "=": a value follows */
        bool needs_root;
        void (*look)(Waiting *w);       /* NULL: the machine tells */
        bool looks_again;
} Goal;

struct Waiting {
        Wait *all;
        const char *name;
        bool runs, reached, failed;
        int fd;                         /* netlink in the machine */
        sd_event_source *source;
        sd_bus *bus;                    /* systemd's in the machine */
};

struct Wait {
        Ctl *ctl;
        const Goal *goal;
        const char *text;               /* of the goal */
        const char *value;
        uint16_t port;
        char *unit_path;
        sd_event *event;
        sd_event_source *again;
        Waiting *machines;
        size_t n;
};

/* ---- results ---------------------------------------------------------------------------------------------------- */

static void leave(Waiting *w)
{
        w->source = sd_event_source_disable_unref(w->source);
        w->fd = fd_close(w->fd);
        if (w->bus)
                (void) sd_bus_detach_event(w->bus);
        w->bus = sd_bus_close_unref(w->bus);
}

/* 1: it is decided. */
static int is_over(const Wait *v)
{
        size_t reached = 0, failed = 0;

        for (size_t i = 0; i < v->n; i++) {
                reached += v->machines[i].reached;
                failed += v->machines[i].failed;
        }
        return v->ctl->options.any ? reached > 0 || failed == v->n : failed > 0 || reached == v->n;
}

static void settle(Waiting *w, bool reached)
{
        w->reached = reached;
        w->failed = !reached;
        if (is_over(w->all))
                (void) sd_event_exit(w->all->event, 0);
}

static void fail(Waiting *w, const char *why)
{
        log_error(0, "%s: %s", w->name, why);
        settle(w, false);
}

static bool is_settled(const Waiting *w)
{
        return w->reached || w->failed;
}

static void fail_to_look(Waiting *w, int error)
{
        (void) log_error(error, "%s: Failed to look into the machine: %m", w->name);
        settle(w, false);
}

/* ---- what is looked at ------------------------------------------------------------------------------------------ */

static bool open_net(Waiting *w, int protocol, uint32_t groups)
{
        MachineState state;

        if (w->fd >= 0)
                return true;
        if (machine_state_read(NULL, w->name, &state) < 0)
                return false;
        w->fd = machine_net_open(state.leader, protocol, groups);
        machine_state_done(&state);
        if (w->fd < 0)
                fail_to_look(w, w->fd);
        return w->fd >= 0;
}

static int on_address(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
        Waiting *w = userdata;
        int r = machine_net_take_addresses(fd);

        if (is_settled(w))
                return 0;
        if (r < 0)
                fail_to_look(w, r);
        else if (r > 0)
                settle(w, true);
        return 0;
}

static void look_address(Waiting *w)
{
        int r;

        if (w->source || !open_net(w, NETLINK_ROUTE, machine_net_address_groups()))
                return;
        r = sd_event_add_io(w->all->event, &w->source, w->fd, EPOLLIN, on_address, w);
        if (r >= 0)
                r = machine_net_ask_addresses(w->fd);
        if (r < 0)
                fail_to_look(w, r);
}

static void look_port(Waiting *w)
{
        int r;

        if (!open_net(w, NETLINK_SOCK_DIAG, 0))
                return;
        r = machine_net_listens(w->fd, w->all->port);
        if (r < 0)
                fail_to_look(w, r);
        else if (r > 0)
                settle(w, true);
}

static int on_unit_state(sd_bus_message *m, void *userdata, sd_bus_error *reterr_error)
{
        Waiting *w = userdata;
        const char *state;

        if (is_settled(w) || sd_bus_message_is_method_error(m, NULL) || sd_bus_message_read(m, "v", "s", &state) < 0)
                return 0;
        if (strcmp(state, "active") == 0)
                settle(w, true);
        else if (strcmp(state, "failed") == 0)
                fail(w, "The unit has failed");
        return 0;
}

static int ask_unit(Waiting *w)
{
        return sd_bus_call_method_async(w->bus, NULL, "org.freedesktop.systemd1", w->all->unit_path,
                                        "org.freedesktop.DBus.Properties", "Get", on_unit_state, w, "ss",
                                        "org.freedesktop.systemd1.Unit", "ActiveState");
}

static int on_unit_changed(sd_bus_message *m, void *userdata, sd_bus_error *reterr_error)
{
        Waiting *w = userdata;

        if (!is_settled(w))
                (void) ask_unit(w);
        return 0;
}

static void look_unit(Waiting *w)
{
        int r;

        if (w->bus && sd_bus_is_open(w->bus) > 0)
                return;
        if (w->bus)
                (void) sd_bus_detach_event(w->bus);
        w->bus = sd_bus_close_unref(w->bus);
        r = sd_bus_open_system_machine(&w->bus, w->name);
        if (r >= 0)
                r = sd_bus_attach_event(w->bus, w->all->event, SD_EVENT_PRIORITY_NORMAL);
        if (r >= 0)
                r = sd_bus_call_method_async(w->bus, NULL, "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
                                             "org.freedesktop.systemd1.Manager", "Subscribe", NULL, NULL, NULL);
        if (r >= 0)
                r = sd_bus_match_signal_async(w->bus, NULL, "org.freedesktop.systemd1", w->all->unit_path,
                                              "org.freedesktop.DBus.Properties", "PropertiesChanged", on_unit_changed, NULL, w);
        if (r >= 0)
                r = ask_unit(w);
        if (r < 0)
                w->bus = sd_bus_close_unref(w->bus);
}

/* ---- events ----------------------------------------------------------------------------------------------------- */

static const Goal goals[] = {
        { "ready", false, NULL, false },
        { "stopped", false, NULL, false },
        { "ip", true, look_address, false },
        { "unit=", true, look_unit, true },
        { "port=", true, look_port, true },
};

enum { GOAL_READY, GOAL_STOPPED };

static void look_at(Waiting *w)
{
        if (w->all->goal->look && w->runs && !is_settled(w))
                w->all->goal->look(w);
}

static int on_again(sd_event_source *s, uint64_t usec, void *userdata)
{
        Wait *v = userdata;

        for (size_t i = 0; i < v->n; i++)
                look_at(v->machines + i);
        (void) sd_event_source_set_time_relative(s, LOOK_AGAIN_USEC);
        return sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
}

static bool tells_of_ready(const MachineEvent *e)
{
        return strcmp(e->event, "ready") == 0 ||
               (strcmp(e->event, "subscribed") == 0 && (strcmp(e->state, "running") == 0 || strcmp(e->state, "paused") == 0));
}

static void take_event(Waiting *w, const MachineEvent *e)
{
        const Goal *goal = w->all->goal;
        const bool ended = strcmp(e->event, "stopped") == 0 || strcmp(e->event, "died") == 0;

        if (is_settled(w))
                return;
        if (ended || strcmp(e->event, "rebooted") == 0) {
                w->runs = false;
                leave(w);
        }
        if (ended && goal != goals + GOAL_STOPPED)
                fail(w, "The machine has ended before");
        else if (ended || (goal == goals + GOAL_READY && tells_of_ready(e)))
                settle(w, true);
        else if (strcmp(e->event, "rebooted") != 0) {
                w->runs = true;
                look_at(w);
        }
}

static void on_event(const MachineEvent *e, void *userdata)
{
        Wait *v = userdata;

        for (size_t i = 0; i < v->n; i++)
                if (strcmp(v->machines[i].name, e->machine) == 0)
                        take_event(v->machines + i, e);
}

/* A machine of others, which machined knows. */
static int on_removed(sd_bus_message *m, void *userdata, sd_bus_error *reterr_error)
{
        Wait *v = userdata;
        const char *name;

        if (sd_bus_message_read(m, "s", &name) < 0)
                return 0;
        for (size_t i = 0; i < v->n; i++)
                if (strcmp(v->machines[i].name, name) == 0 && !v->machines[i].runs && !is_settled(v->machines + i))
                        settle(v->machines + i, true);
        return 0;
}

/* Those that do not run have stopped. After those that run are known. */
static int on_begun(sd_event_source *s, void *userdata)
{
        Wait *v = userdata;
        sd_bus *bus = ctl_bus(v->ctl, NULL);

        if (bus && sd_bus_attach_event(bus, v->event, SD_EVENT_PRIORITY_NORMAL) >= 0)
                (void) machined_on_removed(bus, on_removed, v, NULL, NULL);
        for (size_t i = 0; i < v->n; i++) {
                _cleanup_(running_machine_done) RunningMachine m = { 0 };
                Waiting *w = v->machines + i;

                if (!is_settled(w) && !w->runs && running_machine_find(v->ctl, w->name, &m, NULL) == -ENXIO)
                        settle(w, true);
        }
        return 0;
}

static int on_timeout(sd_event_source *s, uint64_t usec, void *userdata)
{
        const Wait *v = userdata;

        for (size_t i = 0; i < v->n; i++)
                if (!is_settled(v->machines + i))
                        (void) log_error(-ETIMEDOUT, "%s: Not '%s' in time", v->machines[i].name, v->text);
        return sd_event_exit(v->event, -ETIMEDOUT);
}

/* ---- the command line ------------------------------------------------------------------------------------------- */

static int parse_goal(Wait *v, const char *text)
{
        v->text = text;
        for (size_t i = 0; i < ARRAY_SIZE(goals); i++) {
                const size_t n = strlen(goals[i].name);
                const bool has_value = goals[i].name[n - 1] == '=';

                if (has_value ? strncmp(goals[i].name, text, n) == 0 && text[n] : strcmp(goals[i].name, text) == 0) {
                        v->goal = goals + i;
                        v->value = text + n;
                }
        }
        if (!v->goal)
                return log_error(-EINVAL, "'%s' is none of ready, stopped, ip, unit=UNIT, port=NUMBER", text);
        if (v->goal->needs_root && geteuid() != 0)
                return log_error(-EPERM, "To look for '%s' in a machine takes root", text);
        if (v->goal->look == look_port) {
                uint32_t port = 0;

                if (parse_u32(v->value, &port) < 0 || port == 0 || port > UINT16_MAX)
                        return log_error(-EINVAL, "'%s' is not a port", v->value);
                v->port = (uint16_t) port;
        }
        if (v->goal->look == look_unit) {
                _cleanup_free_ char *unit = NULL;

                if (strf(&unit, "%s%s", v->value, strchr(v->value, '.') ? "" : ".service") < 0 ||
                    sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit, &v->unit_path) < 0)
                        return log_oom();
        }
        return 0;
}

static void wait_done(Wait *v)
{
        for (size_t i = 0; i < v->n; i++)
                leave(v->machines + i);
        if (v->ctl->bus)
                (void) sd_bus_detach_event(v->ctl->bus);
        sd_event_source_disable_unref(v->again);
        sd_event_unref(v->event);
        free(v->machines);
        free(v->unit_path);
}

static int add_sources(Wait *v)
{
        const char *timeout = v->ctl->options.timeout;
        sd_event_source *begun = NULL;
        uint64_t usec = UINT64_MAX;
        int r;

        if (timeout && parse_time_span(timeout, USEC_PER_SEC, &usec) < 0)
                return log_error(-EINVAL, "--timeout=%s is not a time span", timeout);
        r = sd_event_new(&v->event);
        if (r >= 0 && usec != UINT64_MAX)
                r = sd_event_add_time_relative(v->event, NULL, CLOCK_MONOTONIC, usec, 0, on_timeout, v);
        if (r >= 0 && v->goal->looks_again)
                r = sd_event_add_time_relative(v->event, &v->again, CLOCK_MONOTONIC, LOOK_AGAIN_USEC, 0, on_again, v);
        if (r >= 0 && v->goal == goals + GOAL_STOPPED) {
                r = sd_event_add_defer(v->event, &begun, on_begun, v);
                if (r >= 0)
                        r = sd_event_source_set_priority(begun, SD_EVENT_PRIORITY_IDLE);
                if (r >= 0)
                        r = sd_event_source_set_floating(begun, true);
                sd_event_source_unref(begun);
        }
        return r < 0 ? log_error(r, "Failed to create an event loop: %m") : 0;
}

static int run_wait(Ctl *c, char *const *args, size_t n)
{
        _cleanup_(machine_watch_freep) MachineWatch *watch = NULL;
        _cleanup_(wait_done) Wait v = { .ctl = c };
        _cleanup_strv_ char **words = NULL, **names = NULL;
        Failure f = {};
        int r = 0;

        for (size_t i = 0; r >= 0 && i < n - 1; i++)
                r = strv_extend(&words, args[i]);
        if (r < 0)
                return log_oom();
        if (names_expand(c->verb, words, false, &names, &f) < 0)
                return log_error(f.error, "%s", f.text);
        v.n = strv_length(names);
        v.machines = calloc(v.n, sizeof(Waiting));
        if (!v.machines)
                return log_oom();
        for (size_t i = 0; i < v.n; i++) {
                const char *problem = machine_name_problem(names[i]);

                v.machines[i] = (Waiting) { .all = &v, .name = names[i], .fd = -EBADF };
                if (problem)
                        return log_error(-EINVAL, "Invalid machine name '%s': %s", names[i], problem);
        }
        r = parse_goal(&v, args[n - 1]);
        if (r >= 0)
                r = add_sources(&v);
        if (r < 0)
                return r;
        r = machine_watch_new(v.event, on_event, &v, &watch, &f);
        if (r < 0)
                return log_error(r, "%s", f.text);
        r = sd_event_loop(v.event);
        if (r < 0)
                return r == -ETIMEDOUT ? r : log_error(r, "Failed to wait: %m");
        for (size_t i = 0; i < v.n; i++)
                if (v.machines[i].reached && c->options.any)
                        return EXIT_SUCCESS;
                else if (v.machines[i].failed && !c->options.any)
                        return EXIT_FAILURE;
        return c->options.any ? EXIT_FAILURE : EXIT_SUCCESS;
}

const Verb verb_wait = {
        .name = "wait",
        .min = 2,
        .max = VERB_ANY,
        .flags = VERB_OURS | VERB_TAKES_RUNNING | VERB_TAKES_IMAGES,
        .synopsis = "NAME… CONDITION",
        .help = "Wait until machines are ready, have stopped, …",
        .details = "Conditions: ready, as the machine's unit; stopped, or not running; ip: it has an address that others can "
                   "reach; unit=UNIT: systemd in it has started this unit; port=NUMBER: something in it listens on this TCP "
                   "port. The last three need root. Machines that do not run yet are waited for, also those of "
                   "a glob. All machines, or with --any "
                   "one of them. The status is 0, or 1 if a machine has ended before, or its unit has failed.",
        .example = "boxctl wait --timeout=1min web db ready && boxctl wait db port=5432",
        .run = run_wait,
};
