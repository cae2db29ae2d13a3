/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A running machine: its registration with systemd-machined, and the state that box's supervisor keeps in /run/box. Either
 * may be missing: a machine of systemd-nspawn has no state there, and one of box is not registered with --register=no, or
 * if machined is not installed.
 */

#include "bus/machined.h"
#include "ctl/look.h"
#include "ctl/verb.h"
#include "payload/machine-state.h"

typedef struct RunningMachine {
        char *name;
        bool registered;
        MachineProperties properties;   /* if registered; empty in a list for those that are ours */
        bool ours;                      /* box runs it */
        MachineState state;             /* if ours */
} RunningMachine;

void running_machine_done(RunningMachine *m);

/* A running machine by name. -ENXIO: no machine of that name runs; the failure says whether it could be started. */
int running_machine_find(Ctl *c, const char *name, RunningMachine *ret, Failure *failure);

/* The same, but machined is not asked about a machine of box's. */
int running_machine_find_quickly(Ctl *c, const char *name, RunningMachine *ret, Failure *failure);

/* 0: unknown. */
pid_t running_machine_leader(const RunningMachine *m);
/* "": unknown. */
const char *running_machine_unit(const RunningMachine *m);
const char *running_machine_root(const RunningMachine *m);
const char *running_machine_class(const RunningMachine *m);
const char *running_machine_service(const RunningMachine *m);
uint64_t running_machine_since_usec(const RunningMachine *m);

/* Is its PID 1 systemd, so that machined can open shells in it and stop it? Assumed of a machine that is not ours. */
bool running_machine_has_systemd(const RunningMachine *m);

/* Does its unit (box@NAME.service, or a scope) hold only this machine? With box-run --keep-unit in a user's session it does
 * not: stopping the unit would end the session. */
bool running_machine_owns_unit(const RunningMachine *m);

/* The cgroup of its processes, below /sys/fs/cgroup: of a machine of box's without its supervisor, of others the unit's. A
 * negative errno: it has none of its own. The caller frees *ret. */
int running_machine_cgroup(const RunningMachine *m, char **ret);

/* Are its processes frozen (systemctl freeze)? As far as the host's /proc and cgroups tell. */
bool running_machine_is_frozen(const RunningMachine *m);
/* "running", "frozen", or "no answer": its files cannot be read. */
const char *running_state_name(bool frozen, bool silent);

/* All running machines, registered or not, sorted by name; the host itself (.host) with --all. Those of box's are not asked of
 * machined, and have no properties. A missing machined is no failure. */
int running_machines_list(Ctl *c, RunningMachine **ret, size_t *ret_n, Failure *failure);
void running_machines_free(RunningMachine *list, size_t n);

/* machined did not answer in time: it is not asked again. Warns once. */
void running_machine_machined_is_silent(Ctl *c);
