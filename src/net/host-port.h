/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Facts of the host that decide whether Port= works. Read-only. */

#include "net/network-plan.h"
#include "net/own-links.h"

/* Ports of the plan that another machine holds are Problems: for a check, which takes no locks. machine: whose own ports are no
 * problem. dir NULL: /run/box/.ports. 0 or -ENOMEM. */
int host_port_check(const NetworkPlan *p, const char *machine, const char *dir, Problems *problems);

/* Does a program of the host listen on this port, other than on loopback addresses? False also if it cannot be found out. */
bool host_port_has_listener(const PortSetting *p);

/* The same, and says who: "sshd (PID 712)", as far as the caller may see it. The name is the program's own. */
enum { LISTENER_TEXT_MAX = 64 };
bool host_port_find_listener(const PortSetting *p, char ret[static LISTENER_TEXT_MAX]);

/* Does the host forward packets of this family (AF_INET, AF_INET6) from interfaces other than the machine's own? True also if it
 * cannot be found out. */
bool host_forwards(int family, const OwnLinks *own);
