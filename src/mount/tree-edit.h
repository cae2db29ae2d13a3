/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a start changes in a machine's own files, as a list of steps: pure data, made by planners (host-files-plan.c,
 * journal-plan.c), printed by --dry-run, done by the child in the machine's root, as its root, so that what is made has the
 * owner that it should have, whatever the id map.
 */

#include <stdio.h>
#include <time.h>

#include "config/settings.h"
#include "util/failure.h"

typedef enum TreeEditKind {
        TREE_EDIT_DIRECTORY,    /* made with its parents, where it is missing */
        TREE_EDIT_WRITE,        /* content into a regular file; a symbolic link is left alone, and so is what it leads to */
        TREE_EDIT_REPLACE,      /* a file with this content in the place of whatever is there */
        TREE_EDIT_LINK,         /* a symbolic link in the place of whatever is there, unless it leads to the same */
        TREE_EDIT_REMOVE,       /* a file or link, if there is one */
        _TREE_EDIT_KIND_MAX,
} TreeEditKind;

typedef enum TreeEditNeed {
        TREE_EDIT_REQUIRED,     /* a failure is one of the start */
        TREE_EDIT_BEST_EFFORT,       /* … is warned of */
        TREE_EDIT_IF_WRITABLE,        /* … is warned of, unless the tree's owner has seen to it (read-only, a link of its own) */
} TreeEditNeed;

typedef struct TreeEdit {
        TreeEditKind kind;
        TreeEditNeed need;
        char *path;             /* absolute, in the machine; its directory must be there (but for a DIRECTORY) */
        char *content;          /* of a file, size bytes; a link's target */
        size_t size;
        struct timespec mtime;  /* a file's: when its content was made */
        const char *origin;     /* for people: where the content is from; static */
        Source from;
} TreeEdit;

typedef struct TreeEdits {
        TreeEdit *items;
        size_t n;
} TreeEdits;

void tree_edits_done(TreeEdits *e);

/* Appends one; content (NULL: none) is copied. -ENOMEM or 0. */
int tree_edits_add(TreeEdits *e, const TreeEdit *edit);

const char *tree_edit_kind_name(TreeEditKind kind);
int tree_edits_print(const TreeEdits *e, FILE *f);

/* Does one in the tree at root_fd. Negative errno, with the failure told: what that means is the caller's to say, by
 * tree_edit_matters(). */
int tree_edit_apply(const TreeEdit *edit, int root_fd, Failure *failure);

/* Is this error of an edit one to warn of? Those of REQUIRED ones are fatal. */
bool tree_edit_matters(const TreeEdit *edit, int error);
