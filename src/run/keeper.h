/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The keeper: a process of box-run that keeps, until the machine's end, the privileges that the supervisor gives up before the
 * payload runs. It reads nothing that comes from the payload, only requests from the supervisor: a byte each, of a fixed set.
 *
 *      where                                           it keeps                        for
 *      by hand; in a unit until READY=1                all                             another start, if the payload reboots
 *      an init that is asked by a program              those to join the machine       running the program
 *      temporary directories and layers                those for files of any owner    removing them
 *      an exported mount without a user namespace      CAP_SYS_ADMIN                   unmounting it
 *      a zone                                          CAP_NET_ADMIN                   its bridge, under a lock in /run/systemd
 *
 * Other machines have none. For another start the keeper creates a supervisor for each round, which reduces its privileges in the
 * same way, and the first process only passes on what is sent to the service manager, signals, and the exit status: so it stays
 * the unit's main process.
 */

#include "payload/init-control.h"
#include "run/machine.h"

/* Forks it, if there is something to keep privileges for. Before this process reduces its own. */
int keeper_start(Machine *m, Failure *failure);

/* The machine is ready. In a unit, whose restart is the machine's reboot from now on, it drops what was for another start. */
void keeper_ready(Machine *m);

/* Has it run a program in the machine that asks the init. keeper.fd becomes readable when that has ended, and
 * keeper_take_asked() then returns the result. */
int keeper_ask_init(Machine *m, InitRequest request, Failure *failure);
int keeper_take_asked(Machine *m, InitRequest *ret_request, Failure *failure);

/* Undo these, as far as it is there to do so; the stages' downs then release the handles. */
void keeper_undo_export(Machine *m);
void keeper_undo_scratch(Machine *m);
void keeper_undo_zones(Machine *m);

/* Ends it. */
void keeper_stop(Machine *m);
