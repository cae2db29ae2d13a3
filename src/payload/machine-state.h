/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * /run/box/NAME: the directory of a running machine. The supervisor makes it and removes it at the end with all that is in it:
 * files and sockets, no directories. In it:
 *      state           what boxctl needs and machined does not have, in KEY=VALUE lines, replaced with rename(); any user reads
 *                      it. Without it, the machine does not run yet or no more; without its supervisor, all is stale
 *      filter          a system call filter other than the built-in one
 *      note            machine_state_set_note()
 *      steps           run/steps.h
 * Files for all machines have names with a leading dot, as no machine has: /run/box/.locks/NAME, and .failed/NAME of the
 * last start that failed (run/steps.h).
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
        bool seccomp_default;           /* the built-in filter is active, otherwise the one in the file 'filter' */
        uint64_t started_usec;          /* CLOCK_REALTIME */
} MachineState;

void machine_state_done(MachineState *m);
void machine_state_free_list(MachineState *list, size_t n);

/* In all of these, dir NULL is /run/box. */

/* Creates the directories of the lock files and of starts that failed, 0755. */
int machine_state_make_shared(const char *dir, Failure *failure);

/* The lock file of the machine's name. The caller frees *ret. */
int machine_state_lock_path(const char *dir, const char *name, char **ret);

/* The file about the last start of a machine, if it failed. As above. */
int machine_state_failed_path(const char *dir, const char *name, char **ret);

/* Creates the machine's directory, 0755, empty: what a killed supervisor left is removed. The caller holds the name's lock. */
int machine_state_make_dir(const char *dir, const char *name, Failure *failure);

/* A file in the machine's directory. -EINVAL: no name of a machine. The caller frees *ret. */
int machine_state_path(const char *dir, const char *name, const char *file, char **ret);

/* A supervisor_start of 0 is looked up. */
int machine_state_write(const char *dir, const MachineState *m, Failure *failure);

/* Removes the machine's directory. */
void machine_state_remove(const char *dir, const char *name);

/* A note for the administrator about a running machine, for `boxctl status`: one line, "" for none. The caller frees *ret;
 * -ENOENT: none. */
int machine_state_set_note(const char *dir, const char *name, const char *text);
int machine_state_note(const char *dir, const char *name, char **ret);

/* -ENOENT: not running; a stale directory is removed if permitted. -EBADMSG: invalid file. */
int machine_state_read(const char *dir, const char *name, MachineState *ret);

/* All running machines, sorted by name. */
int machine_state_list(const char *dir, MachineState **ret, size_t *ret_n);
