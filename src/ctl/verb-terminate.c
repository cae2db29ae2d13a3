/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * boxctl terminate: ends machines at once: stops their units, through machined or systemd, and kills their payloads, without
 * waiting. If a machine runs in a unit that is not its own (of a user's session), only its PID 1 is killed: the kernel then kills
 * its other processes, and the supervisor cleans up.
 */

#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>

#include "bus/systemd1.h"
#include "ctl/freeze.h"
#include "payload/enter.h"

static int kill_leader(const RunningMachine *m, Failure *failure)
{
        _cleanup_(leader_done) Leader leader = LEADER_NULL;
        int r;

        r = leader_open(running_machine_leader(m), &leader, failure);
        if (r < 0)
                return r;
        r = RET_ERRNO(pidfd_send_signal(leader.pidfd, SIGKILL, NULL, 0));
        return r < 0 && r != -ESRCH ? failure_set(failure, r, "Failed to kill the machine's PID 1: %m") : 0;
}

static int stop_unit(sd_bus *bus, const char *unit, Failure *failure)
{
        UnitJob job = { .unit = unit };
        int r;

        r = systemd1_unit_jobs(bus, "StopUnit", UNIT_JOBS_NO_WAIT, &job, 1, failure);
        if (r >= 0 && job.failure.error < 0)
                r = failure_set(failure, job.failure.error, "%s", job.failure.text);
        unit_jobs_done(&job, 1);
        return r;
}

/* The stop is the first request to the supervisor, another signal the second, at which it kills the payload. */
static int stop_service(sd_bus *bus, const char *unit, Failure *failure)
{
        int r = stop_unit(bus, unit, failure);

        if (r >= 0)
                r = systemd1_kill_unit(bus, unit, "main", SIGINT, failure);
        /* It was down before. */
        return r == -ESRCH || r == -ENOENT ? 0 : r;
}

static int terminate(Ctl *c, const char *name, Failure *failure)
{
        _cleanup_(running_machine_done) RunningMachine m = { 0 };
        sd_bus *bus;
        int r;

        r = running_machine_find(c, name, &m, failure);
        if (r < 0)
                return r;
        /* A supervisor that is frozen could not clean up. */
        r = c->options.machine ? 0 : machine_thaw_to_stop(c, &m, failure);
        if (r < 0)
                return r;
        if (m.ours && !running_machine_owns_unit(&m))
                return kill_leader(&m, failure);
        bus = ctl_bus(c, failure);
        if (!bus)
                return failure->error;
        if (m.ours && strncmp(running_machine_unit(&m), "box@", 4) == 0)
                return stop_service(bus, running_machine_unit(&m), failure);
        r = m.registered ? machined_terminate(bus, name, failure) : stop_unit(bus, running_machine_unit(&m), failure);
        if (r < 0 || !m.ours)
                return r;
        r = m.registered ? machined_kill(bus, name, "leader", SIGKILL, failure) : kill_leader(&m, failure);
        return r == -ESRCH || r == -ENXIO ? 0 : r;
}

const Verb verb_terminate = {
        .name = "terminate",
        .min = 1,
        .max = VERB_ANY,
        .flags = VERB_AUTHORIZED | VERB_TAKES_RUNNING | VERB_MANY | VERB_ALL,
        .synopsis = "NAME…",
        .help = "End machines at once; does not wait",
        .done = "terminated",
        .example = "boxctl terminate web",
        .run_one = terminate,
};
