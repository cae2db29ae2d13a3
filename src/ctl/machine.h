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

typedef struct Machine {
        char *name;
        bool registered;
        MachineProperties properties;   /* where registered */
        bool ours;
        MachineState state;             /* where ours */
} Machine;

void machine_done(Machine *m);

/* A running machine by name. -ENXIO: no machine of that name runs, and the failure says whether there is one to start. */
int machine_find(Ctl *c, const char *name, Machine *ret, Failure *failure);

/* 0: not known. */
pid_t machine_leader(const Machine *m);
/* "": none that is known. */
const char *machine_unit(const Machine *m);
const char *machine_root(const Machine *m);
uint64_t machine_since_usec(const Machine *m);

/* Is its PID 1 systemd, so that machined's own ways in and down work? Of a machine that is not ours that is all that
 * machined knows, so it is taken for granted. */
bool machine_has_systemd(const Machine *m);

/* Is its unit made for it alone (box@NAME.service, or a scope of machined's)? Not where somebody ran box-run --keep-unit
 * in his session: stopping that unit would end the session. */
bool machine_owns_unit(const Machine *m);

/* Every running machine's name, class and service, by name; also those that machined does not know. A machined that
 * is not there is no failure. */
int machine_list(Ctl *c, MachineRow **ret, size_t *ret_n, Failure *failure);

/* The machine's os-release as KEY=VALUE lines, by machined or from its tree. An empty one where nobody knows. */
int machine_os_release(Ctl *c, const Machine *m, char ***ret);

/* What stands in an os-release file: KEY=VALUE lines without quotes and escapes. 0 or -ENOMEM. */
int os_release_parse(const char *text, char ***ret);
