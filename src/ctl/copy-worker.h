/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The process that copies, and what it tells its parent in shared memory. */

#include "ctl/copy.h"
#include "image/tree-copy.h"

typedef struct CopyReport {
        TreeCopyCount count;
        uint64_t total;                 /* bytes to copy; 0: not known */
        Failure failure, warning;
} CopyReport;

typedef struct CopyJob {
        const CopyRequest *request;
        const CopyEnd *sources;         /* one for each source */
        const CopyEnd *dest;
        bool force, archive;
        const char *owner;              /* --chown=, or NULL */
        CopyReport *report;             /* shared memory */
} CopyJob;

/* Copies all. Returns 0, or a negative errno with its failure in the report. Changes the process: its file system user, its
 * signals. */
int copy_worker(const CopyJob *job);
