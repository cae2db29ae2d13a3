/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * /run/box/machines/NAME: what boxctl needs to know of a running machine and machined does not keep. Lines of KEY=VALUE,
 * written by the supervisor by rename, removed by it at the end; a file whose supervisor is gone is stale. Names that
 * begin with a dot are no machines: temporary files, the lock, a machine's own system call filter.
 */

#include <sys/types.h>

#include "image/tree-facts.h"
#include "util/failure.h"

typedef struct MachineState {
        char *name;
        pid_t leader;
        pid_t supervisor;
        uint64_t supervisor_start;      /* field 22 of /proc/PID/stat: tells a recycled pid from the supervisor */
        InitFlavour init;
        bool booted;                    /* an init runs; else a command */
        char *root;                     /* the tree */
        char *unit;                     /* "box@x.service", a scope, or "" */
        char *console;                  /* mode in words */
        uint32_t uid_base;              /* 0: no user namespace */
        char *os;                       /* PRETTY_NAME, "" */
        char **links;                   /* "ve-x host0" */
        bool seccomp_default;           /* the built-in filter is in force; else machine_state_filter_path() holds it */
        uint64_t started_usec;          /* CLOCK_REALTIME */
} MachineState;

void machine_state_done(MachineState *m);
void machine_state_free_list(MachineState *list, size_t n);

/* dir NULL: /run/box/machines. Makes it where it is missing, 0755. */
int machine_state_make_dir(const char *dir, Failure *failure);

/* Makes the directory too. A supervisor_start of 0 is looked up. */
int machine_state_write(const char *dir, const MachineState *m, Failure *failure);
void machine_state_remove(const char *dir, const char *name);           /* and the filter */

/* The file that is locked by whoever has the name. To be freed. */
int machine_state_lock_path(const char *dir, const char *name, char **ret);

/* Where the program of a filter that is not the built-in one lies (seccomp_program_save(), _load()). To be freed. */
int machine_state_filter_path(const char *dir, const char *name, char **ret);

/* -ENOENT: none, or a stale one (its file is then removed when we may). -EBADMSG: not a file of ours. */
int machine_state_read(const char *dir, const char *name, MachineState *ret);

/* All that are running, by name. */
int machine_state_list(const char *dir, MachineState **ret, size_t *ret_n);
