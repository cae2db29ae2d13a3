/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A network namespace that is there before the machine (NamespacePath=): what `ip netns add` binds below /run/netns, or
 * /proc/PID/ns/net. The supervisor, as root of the host.
 */

#include "net/network-plan.h"
#include "util/failure.h"

/* Is the file of the plan, if there is one, a network namespace? What is wrong is a Problem. */
int network_namespace_check(const NetworkPlan *p, Problems *problems);

/* It, opened: a descriptor. */
int network_namespace_open(const NetworkPlan *p, Failure *failure);

/* Goes there, and comes back by *ret_own, which is the caller's to close. The caller has one thread, and what it makes
 * meanwhile (a socket, a process) is born there. Who cannot come back must give up. */
int network_namespace_visit(int netns_fd, int *ret_own, Failure *failure);
int network_namespace_return(int own, Failure *failure);
