/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The handles of a running machine (see live-machine.h). box-run --live, as root. Silent. */

#include "live/live-machine.h"
#include "payload/cgroup.h"
#include "util/print.h"

static int find_payload(LiveMachine *m, Failure *failure)
{
        _cleanup_free_ char *own = NULL, *unit = NULL;
        int r;

        r = cgroup_of_pid(m->state.supervisor, &own, failure);
        if (r >= 0)
                r = cgroup_unit_path(own, &unit);
        if (r >= 0)
                r = strf(&m->payload, "%s/payload", unit);
        return r < 0 ? failure_set(failure, r, "Failed to find the control group of machine '%s': %m", m->name) : 0;
}

int live_machine_open(const char *name, LiveMachine *m, Failure *failure)
{
        int r;

        m->name = name;
        r = machine_state_read(NULL, name, &m->state);
        if (r < 0)
                return failure_set(failure, r, r == -ENOENT ? "Machine '%s' does not run" :
                                                              "Failed to read the state of machine '%s': %m", name);
        r = leader_open(m->state.leader, &m->leader, failure);
        return r < 0 ? r : find_payload(m, failure);
}

void live_machine_done(LiveMachine *m)
{
        m->bus = sd_bus_flush_close_unref(m->bus);
        leader_done(&m->leader);
        machine_state_done(&m->state);
        free(m->payload);
}

int live_machine_bus(LiveMachine *m, Failure *failure)
{
        return m->bus ? 0 : bus_open_system(&m->bus, failure);
}
