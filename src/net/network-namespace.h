/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * An existing network namespace for the machine (NamespacePath=), such as /run/netns/NAME of `ip netns add`, or
 * /proc/PID/ns/net. The supervisor, as root of the host.
 */

#include <sys/types.h>

#include "net/network-plan.h"
#include "util/failure.h"

/* Checks the path of the plan, if there is one. A file that is not a network namespace is a Problem. */
int network_namespace_check(const NetworkPlan *p, Problems *problems);

/* Opens it. Returns a descriptor. */
int network_namespace_open(const NetworkPlan *p, Failure *failure);

/* Lets processes of these groups, in ids of the host, use ICMP sockets in a network namespace: as ping does for users, where the
 * program has no privilege. proc_fd: a proc file system. 0 also without IPv4, or if /proc/sys is read-only. Negative: a failure
 * of the caller's namespace, which must give up. */
int network_namespace_allow_ping(int netns_fd, int proc_fd, gid_t low, gid_t high, Failure *failure);

/* Enters a network namespace, in which sockets and processes are then created, and returns to *ret_own, which the caller
 * closes. The caller must have one thread, and must give up if returning fails. */
int network_namespace_visit(int netns_fd, int *ret_own, Failure *failure);
int network_namespace_return(int own, Failure *failure);
