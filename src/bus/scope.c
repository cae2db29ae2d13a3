/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The transient scope of a machine (see scope.h). The supervisor, as root. Silent. */

#include <string.h>

#include "bus/scope.h"
#include "bus/unit-property.h"
#include "util/clock.h"

struct PendingScope {
        sd_bus *bus;
        sd_bus_slot *match;
        BusCall call;
        char *unit;
        char *result;           /* of the job; valid once it was removed */
        bool removed;           /* the job has ended */
};

int scope_append_properties(sd_bus_message *m, sd_bus *bus, const ScopeOptions *o)
{
        const char *unique;
        int r;

        r = sd_bus_get_unique_name(bus, &unique);
        if (r >= 0)
                r = sd_bus_message_append(m, "(sv)(sv)(sv)(sv)",
                                          "Controller", "s", unique,
                                          "KillMode", "s", "mixed",
                                          "DevicePolicy", "s", "closed",
                                          "DeviceAllow", "a(ss)", 3, SCOPE_DEVICES);
        if (r >= 0 && o->slice)
                r = sd_bus_message_append(m, "(sv)", "Slice", "s", o->slice);
        if (r >= 0 && o->kill_signal > 0)
                r = sd_bus_message_append(m, "(sv)", "KillSignal", "i", (int32_t) o->kill_signal);
        if (r >= 0 && o->stop_timeout_usec > 0)
                r = sd_bus_message_append(m, "(sv)", "TimeoutStopUSec", "t", o->stop_timeout_usec);
        return r < 0 ? r : unit_property_append_all(m, o->properties, o->n_properties);
}

static int on_job_removed(sd_bus_message *m, void *userdata, sd_bus_error *reterr_error)
{
        const char *path, *ours, *result;
        PendingScope *p = userdata;

        /* The reply with the job's path arrives before the job's end. */
        if (!p->call.done || bus_call_error(&p->call) || p->removed ||
            sd_bus_message_rewind(p->call.reply, true) < 0 || sd_bus_message_read(p->call.reply, "o", &ours) < 0 ||
            sd_bus_message_read(m, "uoss", NULL, &path, NULL, &result) < 0 || strcmp(path, ours) != 0)
                return 0;
        p->result = strdup(result);
        p->removed = true;
        return 0;
}

static int scope_message(sd_bus *bus, const ScopeOptions *o, sd_bus_message **ret)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_method_call(bus, &m, BUS_SYSTEMD1, BUS_SYSTEMD1_PATH, BUS_SYSTEMD1_MANAGER,
                                           "StartTransientUnit");
        if (r >= 0)
                r = sd_bus_message_append(m, "ss", o->unit, "fail");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "(sv)");
        /* The same properties as machined sets. */
        if (r >= 0)
                r = sd_bus_message_append(m, "(sv)(sv)(sv)(sv)(sv)",
                                          "Description", "s", o->description,
                                          "PIDs", "au", 1, (uint32_t) o->pid,
                                          "Delegate", "b", true,
                                          "CollectMode", "s", "inactive-or-failed",
                                          "TasksMax", "t", UINT64_C(16384));
        if (r >= 0 && !o->slice)
                r = sd_bus_message_append(m, "(sv)", "Slice", "s", "machine.slice");
        if (r >= 0)
                r = scope_append_properties(m, bus, o);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        if (r >= 0)
                r = sd_bus_message_append(m, "a(sa(sv))", /* auxiliary units: */ 0);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(m);
        return 0;
}

int scope_start(sd_bus *bus, const BusWait *wait, const ScopeOptions *options, PendingScope **ret, Failure *failure)
{
        _cleanup_(pending_scope_freep) PendingScope *p = calloc(1, sizeof(PendingScope));
        _cleanup_message_ sd_bus_message *m = NULL;
        int r;

        if (p)
                p->unit = strdup(options->unit);
        if (!p || !p->unit)
                return failure_set(failure, -ENOMEM, "Out of memory");
        p->bus = sd_bus_ref(bus);

        /* The message needs the unique name of an established connection. The bus handles the match before the call. */
        r = bus_flush(bus, wait);
        if (r >= 0)
                r = sd_bus_match_signal_async(bus, &p->match, BUS_SYSTEMD1, BUS_SYSTEMD1_PATH, BUS_SYSTEMD1_MANAGER,
                                              "JobRemoved", on_job_removed, NULL, p);
        if (r >= 0)
                r = scope_message(bus, options, &m);
        if (r >= 0)
                r = bus_call_send(bus, m, bus_start_usec(bus), &p->call);
        if (r >= 0)
                r = bus_flush(bus, wait);
        if (r < 0)
                return failure_set(failure, r, "Failed to create the scope %s: %m", p->unit);

        *ret = TAKE_PTR(p);
        return 0;
}

int scope_finish(PendingScope *p, const BusWait *wait, uint64_t usec, Failure *failure)
{
        const uint64_t start = clock_usec(CLOCK_MONOTONIC);
        uint64_t passed;
        int r;

        r = bus_wait(p->bus, wait, &p->call.done, usec);
        if (r >= 0 && bus_call_error(&p->call))
                return bus_failure(failure, -sd_bus_message_get_errno(p->call.reply), bus_call_error(&p->call),
                                   "create a scope for the machine");
        passed = clock_usec(CLOCK_MONOTONIC) - start;
        if (r >= 0)
                r = bus_wait(p->bus, wait, &p->removed, usec == UINT64_MAX ? usec : passed < usec ? usec - passed : 0);
        if (r < 0)
                return failure_set(failure, r, "Failed to wait for the scope %s: %m", p->unit);
        if (!p->result || strcmp(p->result, "done") != 0)
                return failure_set(failure, -EIO, "Failed to create the scope %s: its start ended as '%s'", p->unit,
                                   p->result ?: "?");
        return 0;
}

int scope_stop_send(PendingScope *p)
{
        int r = sd_bus_call_method_async(p->bus, NULL, BUS_SYSTEMD1, BUS_SYSTEMD1_PATH, BUS_SYSTEMD1_MANAGER, "StopUnit", NULL,
                                         NULL, "ss", p->unit, "replace");

        return r < 0 ? r : sd_bus_flush(p->bus);
}

PendingScope *pending_scope_free(PendingScope *p)
{
        if (!p)
                return NULL;

        sd_bus_slot_unref(p->match);
        bus_call_done(&p->call);
        sd_bus_unref(p->bus);
        free(p->unit);
        free(p->result);
        free(p);
        return NULL;
}

int scope_on_request_stop(sd_bus *bus, sd_bus_message_handler_t handler, sd_bus_message_handler_t installed, void *userdata,
                          sd_bus_slot **ret)
{
        return sd_bus_match_signal_async(bus, ret, BUS_SYSTEMD1, /* path: */ NULL, "org.freedesktop.systemd1.Scope",
                                         "RequestStop", handler, installed, userdata);
}
