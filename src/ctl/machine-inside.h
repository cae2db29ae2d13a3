/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The os-release and addresses of running machines, which are to be seen only inside. Root reads them itself, of all machines
 * of box's in one process; systemd-machined, which forks for each answer, is asked for the rest: machines of others, and other
 * users.
 */

#include "ctl/running-machine.h"

typedef struct MachineInside {
        char **os;                      /* KEY=VALUE lines of os-release; NULL: unknown */
        char **addresses;               /* NULL: none, unknown, or the host's */
        bool silent;                    /* its files cannot be read: a file system of it does not answer */
} MachineInside;

void machine_inside_done(MachineInside *inside);

/* Looks into n machines, for at most LOOK_USEC. What cannot be known is left empty. 0 or -ENOMEM. */
int machines_look_inside(Ctl *c, const RunningMachine *machines, size_t n, MachineInside *ret);
