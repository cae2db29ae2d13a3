/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The changes of a start in a machine's own files, as a list of steps: pure data, made by planners (host-files-plan.c,
 * journal-plan.c) and printed by --dry-run. The child makes them as the machine's root, so that new files have the
 * right owner whatever the id map.
 */

#include <stdio.h>
#include <time.h>

#include "config/settings.h"
#include "util/failure.h"

typedef enum TreeEditKind {
        TREE_EDIT_DIRECTORY,    /* create it and its parents where missing */
        TREE_EDIT_WRITE,        /* write content to a regular file, which may be missing; symbolic links are not followed */
        TREE_EDIT_FILL,         /* create a regular file where path leads, links followed, unless there is one */
        TREE_EDIT_REPLACE,      /* replace the file, of any type, by a regular file with this content */
        TREE_EDIT_LINK,         /* replace the file by a symbolic link, unless it is a link with the same target */
        TREE_EDIT_REMOVE,       /* remove the file, if it exists */
        _TREE_EDIT_KIND_MAX,
} TreeEditKind;

typedef enum TreeEditNeed {
        TREE_EDIT_REQUIRED,     /* a failure ends the start */
        TREE_EDIT_BEST_EFFORT,  /* … is logged as a warning */
        TREE_EDIT_IF_WRITABLE,  /* … unless the tree's owner prevents the edit: a read-only tree, a link */
} TreeEditNeed;

typedef struct TreeEdit {
        TreeEditKind kind;
        TreeEditNeed need;
        char *path;             /* absolute, in the machine; but for DIRECTORY its parent must exist */
        char *content;          /* of a file, size bytes; or a link's target */
        size_t size;
        struct timespec mtime;  /* of a file */
        const char *origin;     /* the file that content is from, for --dry-run; static */
        Source from;
} TreeEdit;

typedef struct TreeEdits {
        TreeEdit *items;
        size_t n;
} TreeEdits;

void tree_edits_done(TreeEdits *e);

/* Appends a copy of edit. 0 or -ENOMEM. */
int tree_edits_add(TreeEdits *e, const TreeEdit *edit);

const char *tree_edit_kind_name(TreeEditKind kind);
int tree_edits_print(const TreeEdits *e, FILE *f);

/* Makes one edit in the tree at root_fd. 0 or negative errno with *failure. */
int tree_edit_apply(const TreeEdit *edit, int root_fd, Failure *failure);

/* Whether this error of an edit that is not required is worth a warning. */
bool tree_edit_matters(const TreeEdit *edit, int error);
