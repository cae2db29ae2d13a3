/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * AddStorage and RemoveStorage of the control socket: a file, directory or device of the host, by its descriptor, is bound into
 * the running machine. The supervisor cannot: it has systemd start `boxctl bind`, and answers when that has ended.
 */

#include "control/control.h"
#include "run/machine.h"

typedef struct MachineStorage MachineStorage;

int machine_storage_new(const Machine *m, sd_event *event, MachineStorage **ret);
MachineStorage *machine_storage_free(MachineStorage *s);

/* The methods. They answer the call, now or later, or return negative with a failure. */
int machine_storage_add(MachineStorage *s, ControlCall *call, const JsonNode *parameters, Failure *failure);
int machine_storage_remove(MachineStorage *s, ControlCall *call, const JsonNode *parameters, Failure *failure);
