/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * LinkJournal=: one directory of journal files, /var/log/journal/MACHINE-ID, is the host's and the machine's: either it lies
 * on the host and is mounted in the machine, or it lies in the tree and the host has a symbolic link to it. Either way
 * `journalctl --merge` of the host shows both.
 */

#include <stdio.h>

#include "config/problem.h"
#include "image/tree-facts.h"
#include "mount/mount-plan.h"
#include "mount/tree-edit.h"
#include "util/failure.h"

/* What the host has at /var/log/journal/ID. */
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
} JournalFacts;

void journal_facts_done(JournalFacts *f);

/* id: 32 digits. host_dir NULL: /var/log/journal. -ENOMEM or 0. */
int journal_facts_read(const char *host_dir, const char *id, JournalFacts *ret);

typedef enum JournalAction {
        JOURNAL_OFF,
        JOURNAL_CREATE_LINK,       /* path becomes a link to target */
        JOURNAL_CREATE_DIRECTORY,  /* path becomes a directory */
        JOURNAL_KEEP,   /* what is there is right */
} JournalAction;

typedef struct JournalPlan {
        JournalAction action;
        JournalDirState state;     /* what has to go first: a link, an empty directory */
        char *path;             /* on the host */
        char *target;
        char *replaced;         /* what the link that has to go leads to, or NULL */
        Source from;
} JournalPlan;

void journal_plan_done(JournalPlan *p);
int journal_plan_print(const JournalPlan *p, FILE *f);

typedef struct JournalInput {
        const Settings *settings;
        const JournalFacts *facts;
        const char *id;         /* 32 digits, the machine's */
        const char *host_id;    /* 32 digits */
        const char *root;       /* the tree, on the host */
        bool boots_other;       /* another init than systemd, which writes no journal */
} JournalInput;

/* Decides; adds the machine's part to mounts and edits. What cannot be done is a problem, or nothing where the mode says
 * "try". -ENOMEM or 0. Pure. */
int journal_plan_make(const JournalInput *in, JournalPlan *ret, MountPlan *mounts, TreeEdits *edits, Problems *problems);

/* Carries out the host's part: 1 when something was made that journal_undo() can take back, 0 when not. owner: host id of
 * the machine's root, whose a new directory is. The supervisor, as root of the host. */
int journal_do(const JournalPlan *p, uid_t owner, Failure *failure);

/* For a start that failed: a link that was in the way is there again. A link and a directory outlive a machine that ran: its
 * journal stays to be read. */
void journal_undo(const JournalPlan *p);
