/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "config/problem.h"
#include "util/failure.h"

/* Prints what is wrong with settings: all of it, but for the first fatal one, which becomes the failure and is printed by
 * whoever reports that. 0 when nothing is fatal. */
int report_problems(const Problems *p, Failure *failure);

/* Prints all of it, as it comes. */
void report_all_problems(const Problems *p);

/* The one place where a start that failed is told: to standard error (the journal), and to the service manager, where
 * `systemctl status` and `boxctl start` find it (sd_notify(3): STATUS=, ERRNO=). */
void report_failure(const Failure *failure);
