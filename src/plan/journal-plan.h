/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * LinkJournal=: host and machine share a directory of journal files, /var/log/journal/MACHINE-ID. It lies on the host
 * and is mounted in the machine, or it lies in the tree and the host has a symbolic link to it. Either way `journalctl
 * --merge` of the host shows both.
 */

#include <stdio.h>

#include "config/problem.h"
#include "image/tree-facts.h"
#include "mount/mount-plan.h"
#include "mount/tree-edit.h"
#include "plan/journal-dir.h"
#include "util/failure.h"

/* Of each machine id whose journal directory a running machine has: a lock file, with the machine's name. */
#define JOURNAL_LOCK_DIR "/run/box/.journal"

/* The state of /var/log/journal/ID on the host. */
typedef enum JournalDirState {
        JOURNAL_NOTHING,
        JOURNAL_LINK,
        JOURNAL_EMPTY_DIRECTORY,
        JOURNAL_DIRECTORY,
        JOURNAL_MOUNT,          /* something is mounted there */
        JOURNAL_OTHER,
} JournalDirState;

typedef struct JournalFacts {
        bool persistent;        /* the host has a /var/log/journal */
        JournalDirState state;
        char *target;           /* of a link */
        JournalDirOwner owner;  /* of a directory */
        char *holder;           /* another running machine of the same id, whose directory it is; NULL: none */
} JournalFacts;

void journal_facts_done(JournalFacts *f);

/* id: 32 digits. host_dir NULL: /var/log/journal. -ENOMEM or 0. */
int journal_facts_read(const char *host_dir, const char *id, JournalFacts *ret);

/* Whether a start with these settings may use the directory, so that no other machine must at the same time. Pure. */
bool journal_is_wanted(const Settings *s, const JournalFacts *f);

typedef enum JournalAction {
        JOURNAL_OFF,
        JOURNAL_CREATE_LINK,       /* create path as a link to target */
        JOURNAL_CREATE_DIRECTORY,  /* create path as a directory */
        JOURNAL_TAKE,              /* path is a directory, on which something is to be changed for the machine */
        JOURNAL_KEEP,   /* it exists as needed */
} JournalAction;

typedef struct JournalPlan {
        JournalAction action;
        JournalDirState state;     /* a link or an empty directory is removed first */
        char *path;             /* on the host */
        char *target;
        char *replaced;         /* the target of a link that is removed, or NULL */
        bool moves;             /* JOURNAL_TAKE: owners from moved_from on become those from moved_to on */
        uid_t moved_from, moved_to;
        Source from;
} JournalPlan;

void journal_plan_done(JournalPlan *p);
int journal_plan_print(const JournalPlan *p, FILE *f);

typedef struct JournalInput {
        const Settings *settings;
        const JournalFacts *facts;
        const JournalMachine *machine;
        const char *id;         /* 32 digits, the machine's */
        const char *host_id;    /* 32 digits */
        const char *root;       /* the tree, on the host */
        bool boots_other;       /* its init is not systemd, so it writes no journal */
} JournalInput;

/* Makes the plan; adds the machine's part to mounts and edits. If it is impossible, adds a problem, unless the mode is
 * one of "try". -ENOMEM or 0. Pure. */
int journal_plan_make(const JournalInput *in, JournalPlan *ret, MountPlan *mounts, TreeEdits *edits, Problems *problems);

/* Changes the host's directory. 1 if journal_undo() can undo it, 0 if there is nothing to undo: owners that were moved are
 * moved back by a start that has the old ones. The supervisor, as root of the host. */
int journal_do(const JournalPlan *p, const JournalMachine *m, Failure *failure);

/* Undoes journal_do() after a failed start, and restores a link that was replaced. Not after a machine that ran: its
 * journal stays readable. */
void journal_undo(const JournalPlan *p);
