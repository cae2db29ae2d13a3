/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Jobs of the service manager, and waiting for them (see systemd1.h). A job's end is the signal JobRemoved; systemd
 * sends it to the client that made the job without any subscription. Runs in boxctl (start, stop) with the user's
 * rights, and in a supervisor that has to make its own scope, as root. Silent.
 */

#include <string.h>

#include "bus/bus.h"
#include "bus/systemd1.h"

typedef struct Wait {
        UnitJob *jobs;
        size_t n, left;
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
                return 0;       /* not systemd's format: nothing that can be one of ours */

        for (size_t i = 0; i < w->n; i++) {
                UnitJob *j = w->jobs + i;

                if (!j->path || j->result || strcmp(j->path, path) != 0)
                        continue;
                j->result = strdup(result);
                if (!j->result)
                        w->error = -ENOMEM;
                w->left--;
        }
        return 0;
}

/* The reply's job path goes into the row. */
static int take_job(UnitJob *j, sd_bus_message *reply)
{
        const char *path;
        int r;

        r = sd_bus_message_read(reply, "o", &path);
        if (r < 0)
                return r;
        j->path = strdup(path);
        return j->path ? 0 : -ENOMEM;
}

static int wait_all(sd_bus *bus, Wait *w)
{
        int r;

        while (w->left > 0 && w->error == 0) {
                r = sd_bus_process(bus, NULL);
                if (r < 0)
                        return r;
                if (r > 0)
                        continue;
                r = sd_bus_wait(bus, UINT64_MAX);
                if (r < 0 && r != -EINTR)
                        return r;
        }
        return w->error;
}

/* Sends one message for a job; on a failure the row says so. 1 when a job runs. */
static int send_job(sd_bus *bus, sd_bus_message *m, UnitJob *j, const char *what)
{
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_message_ sd_bus_message *reply = NULL;
        int r;

        r = sd_bus_call(bus, m, 0, &error, &reply);
        if (r >= 0)
                r = take_job(j, reply);
        if (r < 0) {
                (void) bus_failure(&j->failure, r, &error, what);
                return 0;
        }
        return 1;
}

static int watch_jobs(sd_bus *bus, Wait *w, sd_bus_slot **ret, Failure *failure)
{
        int r;

        r = sd_bus_match_signal(bus, ret, BUS_SYSTEMD1, BUS_SYSTEMD1_PATH, BUS_SYSTEMD1_MANAGER, "JobRemoved",
                                on_job_removed, w);
        return r < 0 ? failure_set(failure, r, "Failed to watch systemd's jobs: %m") : 0;
}

int systemd1_unit_jobs(sd_bus *bus, const char *method, unsigned flags, UnitJob *jobs, size_t n, Failure *failure)
{
        const char *what = strcmp(method, "StartUnit") == 0 ? "start the unit" :
                           strcmp(method, "StopUnit") == 0 ? "stop the unit" : "change the unit";
        /* A start does not undo a stop that is under way; a stop is meant, whatever is under way. */
        const char *mode = strcmp(method, "StartUnit") == 0 ? "fail" : "replace";
        _cleanup_slot_ sd_bus_slot *slot = NULL;
        Wait w = { .jobs = jobs, .n = n };
        int r;

        r = watch_jobs(bus, &w, &slot, failure);
        if (r < 0)
                return r;

        for (size_t i = 0; i < n; i++) {
                _cleanup_message_ sd_bus_message *m = NULL;

                r = sd_bus_message_new_method_call(bus, &m, BUS_SYSTEMD1, BUS_SYSTEMD1_PATH, BUS_SYSTEMD1_MANAGER,
                                                   method);
                if (r >= 0)
                        r = sd_bus_message_append(m, "ss", jobs[i].unit, mode);
                if (r >= 0)
                        r = sd_bus_message_set_allow_interactive_authorization(m, true);
                if (r < 0)
                        return failure_set(failure, r, "Failed to %s: %m", what);
                w.left += (size_t) send_job(bus, m, jobs + i, what);
        }
        if (flags & UNIT_JOBS_NO_WAIT)
                return 0;

        r = wait_all(bus, &w);
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
