/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Machines whose processes do not run until they are thawed. */

#include "ctl/running-machine.h"

/* Freezes the machine's processes, or lets them run again, and waits until they are: of box's machines the payload alone, so that
 * their supervisors go on; of others the unit, by systemd. 0 also if it was so before. -EPERM: the caller is not root;
 * -EOPNOTSUPP: it has no cgroup or unit of its own; -ETIMEDOUT: a process could not be frozen, and all run again. */
int machine_freeze(Ctl *c, const RunningMachine *m, bool freeze, Failure *failure);

/* Thaws a machine that is to be stopped, if it is frozen. */
int machine_thaw_to_stop(Ctl *c, const RunningMachine *m, Failure *failure);
