/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "config/problem.h"
#include "util/failure.h"

/* Prints all problems but the first fatal one, which becomes the failure, for report_failure(). 0: none is fatal. */
int report_problems(const Problems *p, Failure *failure);

/* Prints all problems. */
void report_all_problems(const Problems *p);

/* Reports a failed start to the log and to the service manager (sd_notify(3): STATUS=, ERRNO=), where `systemctl status` and
 * `boxctl start` read it. */
void report_failure(const Failure *failure);
