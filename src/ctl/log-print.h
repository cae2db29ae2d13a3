/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Entries of `boxctl logs` as text or JSON. */

#include <stdio.h>

#include "ctl/log-record.h"
#include "ctl/options.h"
#include "util/json.h"

typedef struct LogPrint {
        FILE *file;
        OutputMode mode;
        bool colour;
        size_t name_width;      /* columns for the machine's name; 0: there is only one machine */
} LogPrint;

/* Prints one entry of a machine. 0, or -ENOMEM. */
int log_print(const LogPrint *p, const char *machine, const LogRecord *r);
