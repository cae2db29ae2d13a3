/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Ports of the host that a machine holds: a lock file for each, with the name of the machine, so that no two machines get the
 * same port. The supervisor; the directory is root's.
 */

#include "net/network-plan.h"
#include "util/failure.h"
#include "util/lock-file.h"

typedef struct HeldPort {
        PortSetting port;
        LockFile lock;
} HeldPort;

typedef struct HeldPorts {
        HeldPort *items;
        size_t n;
} HeldPorts;

/* "tcp" or "udp". */
const char *held_ports_protocol(const PortSetting *p);

/* Takes the locks that `old` does not have, for the machine of this name; ret borrows the others from old. -EBUSY: a port belongs
 * to another machine, which the message names. After a failure, too, held_ports_release(ret, old) is to be called. */
int held_ports_take(const char *lock_dir, const char *machine, const PortSetting *ports, size_t n, const HeldPorts *old,
                    HeldPorts *ret, Failure *failure);

/* Releases those that `others` do not have (NULL: all), and frees the list. */
void held_ports_release(HeldPorts *l, const HeldPorts *others);
