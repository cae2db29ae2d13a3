/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Entries of `boxctl logs` as text or JSON. */

#include <stdio.h>

#include "ctl/columns.h"
#include "ctl/log-record.h"
#include "ctl/options.h"
#include "util/json.h"

/* Fields that are ours, not of a journal. */
#define LOG_FIELD_MACHINE "BOX_MACHINE"
#define LOG_FIELD_ORIGIN "BOX_ORIGIN"

typedef struct LogPrint {
        FILE *file;
        OutputMode mode;
        const Columns *wanted;  /* the fields of JSON; NULL: all */
        bool colour;
        size_t name_width;      /* columns for the machine's name; 0: there is only one machine */
} LogPrint;

/* Prints one entry of a machine. 0, or -ENOMEM. */
int log_print(const LogPrint *p, const char *machine, const LogRecord *r);
