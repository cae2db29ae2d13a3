/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Copies of files between the host and machines. */

#include "ctl/copy-end.h"

typedef struct CopyRequest {
        const CopyPath *sources;
        size_t n_sources;
        const CopyPath *dest;
        bool exact;                     /* as machinectl: the destination is the copy's own name, also where a directory has it,
                                         * and what is there in a tree stays */
} CopyRequest;

/* Returns 0, 128 and a signal's number where that ended the copy, or a negative errno after its message. */
int copy_run(Ctl *c, const CopyRequest *request);
