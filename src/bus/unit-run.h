/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "bus/bus.h"

/*
 * A program that systemd runs once, with all of root's rights, as a transient service: for a process that has few itself. It is
 * asked by a connection of its own, in the caller's event loop.
 */

typedef struct UnitRun UnitRun;

/* failure NULL: it has succeeded. The UnitRun may be freed then. */
typedef void (*UnitRunDone)(void *userdata, const Failure *failure);

/* argv ends with NULL; its first word is the path, and nothing in it is expanded. done is called once, from the loop, unless the
 * UnitRun is freed before. unit: "NAME.service". */
int unit_run_start(sd_event *event, const char *unit, const char *const *argv, UnitRunDone done, void *userdata, UnitRun **ret,
                   Failure *failure);
/* Waits no more: a program that runs goes on. */
UnitRun *unit_run_free(UnitRun *r);

/* Appends the property ExecStartEx= of a unit: path is executed with argv as it is, nothing in it is expanded. */
int unit_command_append(sd_bus_message *m, const char *path, const char *const *argv);
