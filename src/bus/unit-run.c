/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Transient services (see unit-run.h). The supervisor, as root of the host with few capabilities. Silent. */

#include <string.h>

#include "bus/unit-run.h"

struct UnitRun {
        sd_bus *bus;
        sd_bus_slot *match, *call;
        char *unit;
        char *job;              /* NULL: not started yet */
        UnitRunDone done;
        void *userdata;
};

int unit_command_append(sd_bus_message *m, const char *path, const char *const *argv)
{
        int r;

        r = sd_bus_message_open_container(m, 'r', "sv");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", "ExecStartEx");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'v', "a(sasas)");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "(sasas)");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'r', "sasas");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", path);
        if (r >= 0)
                r = sd_bus_message_append_strv(m, (char **) (uintptr_t) argv);
        if (r >= 0)
                r = sd_bus_message_append(m, "as", 1, "no-env-expand");
        for (unsigned i = 0; r >= 0 && i < 4; i++)
                r = sd_bus_message_close_container(m);
        return r;
}

static int make_call(sd_bus *bus, const char *unit, const char *const *argv, sd_bus_message **ret)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_method_call(bus, &m, BUS_SYSTEMD1, BUS_SYSTEMD1_PATH, BUS_SYSTEMD1_MANAGER, "StartTransientUnit");
        if (r >= 0)
                r = sd_bus_message_append(m, "ss", unit, "fail");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "(sv)");
        if (r >= 0)
                r = sd_bus_message_append(m, "(sv)(sv)", "Type", "s", "oneshot", "CollectMode", "s", "inactive-or-failed");
        if (r >= 0)
                r = unit_command_append(m, argv[0], argv);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        if (r >= 0)
                r = sd_bus_message_append(m, "a(sa(sv))", /* auxiliary units: */ 0);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(m);
        return 0;
}

static int on_started(sd_bus_message *m, void *userdata, sd_bus_error *reterr_error)
{
        const sd_bus_error *error = sd_bus_message_get_error(m);
        UnitRun *u = userdata;
        Failure failure = { 0 };
        const char *path;

        if (error)
                (void) bus_failure(&failure, -sd_bus_message_get_errno(m), error, "start a unit");
        else if (sd_bus_message_read(m, "o", &path) < 0 || !(u->job = strdup(path)))
                (void) failure_set(&failure, -ENOMEM, "Failed to read systemd's answer");
        if (failure.error < 0)
                u->done(u->userdata, &failure);
        return 0;
}

static int on_job_removed(sd_bus_message *m, void *userdata, sd_bus_error *reterr_error)
{
        const char *path, *result;
        UnitRun *u = userdata;
        Failure failure = { 0 };

        /* The answer with the job's path arrives before the job's end. */
        if (!u->job || sd_bus_message_read(m, "uoss", NULL, &path, NULL, &result) < 0 || strcmp(path, u->job) != 0)
                return 0;
        if (strcmp(result, "done") != 0)
                (void) failure_set(&failure, -EIO, "It has failed; see journalctl -u %s", u->unit);
        u->done(u->userdata, failure.error < 0 ? &failure : NULL);
        return 0;
}

int unit_run_start(sd_event *event, const char *unit, const char *const *argv, UnitRunDone done, void *userdata, UnitRun **ret,
                   Failure *failure)
{
        UnitRun *u = calloc(1, sizeof(*u));
        _cleanup_message_ sd_bus_message *m = NULL;
        int r;

        if (!u)
                return failure_set(failure, -ENOMEM, "Out of memory");
        *u = (UnitRun) { .unit = strdup(unit), .done = done, .userdata = userdata };
        r = u->unit ? bus_open_system(&u->bus, failure) : -ENOMEM;
        if (r >= 0)
                r = sd_bus_attach_event(u->bus, event, SD_EVENT_PRIORITY_NORMAL);
        if (r >= 0)
                r = sd_bus_match_signal_async(u->bus, &u->match, BUS_SYSTEMD1, BUS_SYSTEMD1_PATH, BUS_SYSTEMD1_MANAGER,
                                              "JobRemoved", on_job_removed, NULL, u);
        if (r >= 0)
                r = make_call(u->bus, unit, argv, &m);
        if (r >= 0)
                r = sd_bus_call_async(u->bus, &u->call, m, on_started, u, 0);
        if (r < 0) {
                (void) unit_run_free(u);
                return failure_set(failure, r, "Failed to ask systemd for a unit: %m");
        }
        *ret = u;
        return 0;
}

UnitRun *unit_run_free(UnitRun *u)
{
        if (!u)
                return NULL;
        sd_bus_slot_unref(u->match);
        sd_bus_slot_unref(u->call);
        if (u->bus)
                (void) sd_bus_detach_event(u->bus);
        sd_bus_close_unref(u->bus);
        free(u->unit);
        free(u->job);
        free(u);
        return NULL;
}
