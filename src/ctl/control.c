/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The control socket of a running machine (see control.h). Part of boxctl; any user. */

#include "ctl/control.h"
#include "ctl/running-machine.h"
#include "util/clock.h"

#define ANSWER_USEC (30 * USEC_PER_SEC)

int control_open(Ctl *c, const char *machine, ControlClient **ret, Failure *failure)
{
        _cleanup_(running_machine_done) RunningMachine m = { 0 };
        _cleanup_free_ char *path = NULL;
        int r = machine_state_path(NULL, machine, "control", &path);

        if (r >= 0)
                r = control_client_open(path, ret);
        if (r >= 0)
                return 0;
        if (r != -ENOENT && r != -ECONNREFUSED && r != -EINVAL)
                return failure_set(failure, r, "Failed to connect to the machine's control socket: %m");
        /* Does it run at all? */
        r = running_machine_find(c, machine, &m, failure);
        return r < 0 ? r : failure_set(failure, -EOPNOTSUPP, "The machine has no control socket: %s",
                                       m.ours ? "an older box-run runs it; restart it" : "box does not run it");
}

int control_call_simple(Ctl *c, const char *machine, const char *method, Failure *failure)
{
        _cleanup_client_ ControlClient *client = NULL;
        _cleanup_reply_ ControlReply reply = {};
        int r = control_open(c, machine, &client, failure);

        return r < 0 ? r : control_client_call(client, method, NULL, ANSWER_USEC, &reply, failure);
}
