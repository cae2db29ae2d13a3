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

/* By how much systemd's time-outs are extended, and how often. */
#define REPORT_EXTEND_USEC UINT64_C(60000000)
#define REPORT_PAUSE_USEC UINT64_C(15000000)

/* A start makes progress: the unit's TimeoutStartSec= is extended. Sends a message only once in a while: *sent_usec is the time
 * of the last one. */
void report_progress(uint64_t *sent_usec);
