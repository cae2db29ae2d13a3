/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Machines whose processes do not run until they are thawed. */

#include "ctl/running-machine.h"

/* Freezes the machine's processes, or lets them run again, and waits until they are. Root does so with the payload of box's
 * machines alone: their supervisors go on. For other machines, and other users, systemd does so with the machine's unit. 0 also
 * if it was so before. -EOPNOTSUPP: it runs in a cgroup or a unit together with other processes; -ETIMEDOUT: a process could
 * not be frozen, and all run again. */
int machine_freeze(Ctl *c, const RunningMachine *m, bool freeze, Failure *failure);

/* Thaws a machine that is to be stopped, if it is frozen. */
int machine_thaw_to_stop(Ctl *c, const RunningMachine *m, Failure *failure);
