/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A running machine as boxctl sees it: what systemd-machined has registered, and what box's supervisor keeps in
 * /run/box. Either may be missing: a machine of systemd-nspawn's has no state of ours, and where there is no machined, or
 * with --register=no, ours has no registration.
 */

#include "bus/machined.h"
#include "ctl/verb.h"
#include "payload/machine-state.h"

typedef struct RunningMachine {
        char *name;
        bool registered;
        MachineProperties properties;   /* where registered */
        bool ours;
        MachineState state;             /* where ours */
} RunningMachine;

void running_machine_done(RunningMachine *m);

/* A running machine by name. -ENXIO: no machine of that name runs; the failure says whether it could be started. */
int running_machine_find(Ctl *c, const char *name, RunningMachine *ret, Failure *failure);

/* 0: not known. */
pid_t running_machine_leader(const RunningMachine *m);
/* "": none that is known. */
const char *running_machine_unit(const RunningMachine *m);
const char *running_machine_root(const RunningMachine *m);
uint64_t running_machine_since_usec(const RunningMachine *m);

/* Is its PID 1 systemd, so that machined's own ways in and down work? Of a machine that is not ours that is all that
 * machined knows, so it is taken for granted. */
bool running_machine_has_systemd(const RunningMachine *m);

/* Is its unit made for it alone (box@NAME.service, or a scope of machined's)? Not where somebody ran box-run --keep-unit
 * in his session: stopping that unit would end the session. */
bool running_machine_owns_unit(const RunningMachine *m);

/* Every running machine's name, class and service, by name; also those that machined does not know. A machined that
 * is not there is no failure. */
int running_machine_list(Ctl *c, MachineRow **ret, size_t *ret_n, Failure *failure);

/* The machine's os-release as KEY=VALUE lines, by machined or from its tree. An empty one where nobody knows. */
int running_machine_os_release(Ctl *c, const RunningMachine *m, char ***ret);
