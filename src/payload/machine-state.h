/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * /run/box/machines/NAME: the state of a running machine that boxctl needs and machined does not have, in KEY=VALUE lines. The
 * supervisor writes it with rename() and removes it at the end; a file without a supervisor is stale. Names with a leading dot
 * are other files: temporary files, locks, system call filters.
 */

#include <sys/types.h>

#include "image/tree-facts.h"
#include "util/failure.h"

typedef struct MachineState {
        char *name;
        pid_t leader;
        pid_t supervisor;
        uint64_t supervisor_start;      /* field 22 of /proc/PID/stat, to detect a reused PID */
        InitFlavour init;
        bool booted;                    /* an init runs, otherwise a command */
        char *root;                     /* the tree */
        char *unit;                     /* "box@x.service", a scope, or "" */
        char *console;                  /* its mode, as text */
        uint32_t uid_base;              /* 0: no user namespace */
        char *os;                       /* PRETTY_NAME, "" */
        char **links;                   /* "ve-x host0" */
        bool seccomp_default;           /* the built-in filter is active, otherwise the one in machine_state_filter_path() */
        uint64_t started_usec;          /* CLOCK_REALTIME */
} MachineState;

void machine_state_done(MachineState *m);
void machine_state_free_list(MachineState *list, size_t n);

/* Creates the directory (dir NULL: /run/box/machines) if needed, mode 0755. */
int machine_state_make_dir(const char *dir, Failure *failure);

/* Creates the directory, too. A supervisor_start of 0 is looked up. */
int machine_state_write(const char *dir, const MachineState *m, Failure *failure);

/* Removes the state and the filter. */
void machine_state_remove(const char *dir, const char *name);

/* The lock file of the machine's name. The caller frees *ret. */
int machine_state_lock_path(const char *dir, const char *name, char **ret);

/* The file for a filter other than the built-in one (seccomp_program_save(), _load()). The caller frees *ret. */
int machine_state_filter_path(const char *dir, const char *name, char **ret);

/* A note for the administrator about a running machine, for `boxctl status`: one line, "" for none. The caller frees *ret;
 * -ENOENT: none. */
int machine_state_set_note(const char *dir, const char *name, const char *text);
int machine_state_note(const char *dir, const char *name, char **ret);

/* -ENOENT: not running; a stale file is removed if permitted. -EBADMSG: invalid file. */
int machine_state_read(const char *dir, const char *name, MachineState *ret);

/* All running machines, sorted by name. */
int machine_state_list(const char *dir, MachineState **ret, size_t *ret_n);
