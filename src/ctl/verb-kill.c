/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * boxctl kill: sends a signal to a machine's PID 1 or to all its processes, through machined, where polkit decides. For an
 * unregistered machine, boxctl sends it to PID 1 as root, or systemd to the unit.
 */

#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>

#include "bus/systemd1.h"
#include "ctl/running-machine.h"
#include "payload/enter.h"
#include "util/parse.h"

static int kill_machine(Ctl *c, const char *name, Failure *failure)
{
        const char *whom = c->options.kill_whom;
        _cleanup_(leader_done) Leader leader = LEADER_NULL;
        _cleanup_(running_machine_done) RunningMachine m = { 0 };
        sd_bus *bus;
        int r;

        r = running_machine_find(c, name, &m, failure);
        if (r < 0)
                return r;
        if (m.registered) {
                bus = ctl_bus(c, failure);
                return bus ? machined_kill(bus, name, whom, c->options.signal, failure) : failure->error;
        }
        if (strcmp(whom, "all") == 0) {
                if (!running_machine_owns_unit(&m))
                        return failure_set(failure, -EOPNOTSUPP, "The machine has no unit of its own; use "
                                                                 "--kill-whom=leader");
                bus = ctl_bus(c, failure);
                return bus ? systemd1_kill_unit(bus, running_machine_unit(&m), whom, c->options.signal, failure) :
                             failure->error;
        }

        r = leader_open(running_machine_leader(&m), &leader, failure);
        if (r < 0)
                return r;
        r = RET_ERRNO(pidfd_send_signal(leader.pidfd, c->options.signal, NULL, 0));
        return r < 0 ? failure_set(failure, r, "Failed to send %s: %m", signal_name(c->options.signal)) : 0;
}

const Verb verb_kill = {
        .name = "kill",
        .min = 1,
        .max = VERB_ANY,
        .flags = VERB_AUTHORIZED | VERB_TAKES_RUNNING | VERB_MANY | VERB_ALL,
        .synopsis = "NAME…",
        .help = "Send a signal to a machine's processes",
        .done = "signal sent",
        .example = "boxctl kill -s HUP --kill-whom=leader web",
        .run_one = kill_machine,
};
