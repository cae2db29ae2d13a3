/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * boxctl reboot: asks the machine's init to reboot. To systemd, machined sends a signal if polkit allows it; other inits have
 * other methods, which need root. Does not wait, like machinectl.
 */

#include <signal.h>

#include "ctl/running-machine.h"
#include "ctl/session.h"
#include "payload/init-control.h"

static int reboot_machine(Ctl *c, const char *name, Failure *failure)
{
        _cleanup_(running_machine_done) RunningMachine m = { 0 };
        _cleanup_(leader_done) Leader leader = LEADER_NULL;
        int r;

        r = running_machine_find(c, name, &m, failure);
        if (r < 0)
                return r;
        if (m.ours && !m.state.booted)
                return failure_set(failure, -EOPNOTSUPP, "The machine runs no init that could reboot it");
        if (m.registered && running_machine_has_systemd(&m)) {
                sd_bus *bus = ctl_bus(c, failure);

                return bus ? machined_kill(bus, name, "leader", SIGINT, failure) : failure->error;
        }

        r = session_open(&m, &leader, failure);
        if (r < 0)
                return r;
        return init_control_request(m.state.init, INIT_REBOOT, &leader, failure);
}

const Verb verb_reboot = {
        .name = "reboot",
        .alias = "restart",
        .min = 1,
        .max = VERB_ANY,
        .flags = VERB_AUTHORIZED | VERB_TAKES_RUNNING | VERB_MANY | VERB_ALL,
        .synopsis = "NAME…",
        .help = "Reboot machines",
        .details = "Asks each machine's init; does not wait.",
        .done = "asked to reboot",
        .example = "boxctl reboot 'web*'",
        .run_one = reboot_machine,
};
