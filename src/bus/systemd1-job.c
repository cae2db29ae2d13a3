/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Jobs of the service manager, and waiting for their end (see systemd1.h): the signal JobRemoved, which systemd sends to the
 * client that created the job, subscribed or not. Runs in boxctl (start, stop) with the user's rights, and in the supervisor
 * as root. Silent.
 */

#include <string.h>

#include "bus/bus.h"
#include "bus/systemd1.h"

typedef struct Wait {
        UnitJob *jobs;
        size_t n, left;
        bool done;
        int error;
} Wait;

static int on_job_removed(sd_bus_message *m, void *userdata, sd_bus_error *reterr_error)
{
        const char *path, *unit, *result;
        Wait *w = userdata;
        uint32_t id;
        int r;

        r = sd_bus_message_read(m, "uoss", &id, &path, &unit, &result);
        if (r < 0)
                return 0;       /* not systemd's format */

        for (size_t i = 0; i < w->n; i++) {
                UnitJob *j = w->jobs + i;

                if (!j->path || j->result || strcmp(j->path, path) != 0)
                        continue;
                j->result = strdup(result);
                if (!j->result)
                        w->error = -ENOMEM;
                w->left--;
        }
        w->done = w->left == 0 || w->error < 0;
        return 0;
}

/* Queues one job. True: it runs; false: j->failure has the error. */
static bool send_job(sd_bus *bus, sd_bus_message *m, UnitJob *j, const char *what)
{
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_message_ sd_bus_message *reply = NULL;
        const char *path;
        int r;

        r = sd_bus_call(bus, m, 0, &error, &reply);
        if (r >= 0)
                r = sd_bus_message_read(reply, "o", &path);
        if (r >= 0 && !(j->path = strdup(path)))
                r = -ENOMEM;
        if (r < 0)
                (void) bus_failure(&j->failure, r, &error, what);
        return r >= 0;
}

int systemd1_unit_jobs(sd_bus *bus, const char *method, unsigned flags, UnitJob *jobs, size_t n, Failure *failure)
{
        const char *what = strcmp(method, "StartUnit") == 0 ? "start the unit" :
                           strcmp(method, "StopUnit") == 0 ? "stop the unit" : "change the unit";
        /* A start does not cancel a queued stop; a stop cancels any queued job. */
        const char *mode = strcmp(method, "StartUnit") == 0 ? "fail" : "replace";
        _cleanup_slot_ sd_bus_slot *slot = NULL;
        Wait w = { .jobs = jobs, .n = n };
        int r;

        r = sd_bus_match_signal(bus, &slot, BUS_SYSTEMD1, BUS_SYSTEMD1_PATH, BUS_SYSTEMD1_MANAGER, "JobRemoved",
                                on_job_removed, &w);
        if (r < 0)
                return failure_set(failure, r, "Failed to watch systemd's jobs: %m");

        for (size_t i = 0; i < n; i++) {
                _cleanup_message_ sd_bus_message *m = NULL;

                r = sd_bus_message_new_method_call(bus, &m, BUS_SYSTEMD1, BUS_SYSTEMD1_PATH, BUS_SYSTEMD1_MANAGER,
                                                   method);
                if (r >= 0)
                        r = sd_bus_message_append(m, "ss", jobs[i].unit, mode);
                if (r < 0)
                        return failure_set(failure, r, "Failed to %s: %m", what);
                w.left += send_job(bus, m, jobs + i, what);
        }
        if (flags & UNIT_JOBS_NO_WAIT)
                return 0;

        w.done = w.left == 0;
        r = bus_wait(bus, NULL, &w.done, UINT64_MAX);
        if (r >= 0)
                r = w.error;
        return r < 0 ? failure_set(failure, r, "Failed to wait for systemd: %m") : 0;
}

void unit_jobs_done(UnitJob *jobs, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                free(jobs[i].path);
                free(jobs[i].result);
                jobs[i].path = jobs[i].result = NULL;
        }
}
