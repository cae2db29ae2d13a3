/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Machines' units box@NAME.service, for start, stop, enable and disable. */

#include "bus/systemd1.h"
#include "ctl/verb.h"

/* Is the name valid and, with image, is there such an image? */
int name_check(const char *name, bool image, Failure *failure);

/* For all machines that have no failure, at once. What fails for one of them becomes its failure. A negative errno: none could be
 * tried, after a message. */
int units_start(Ctl *c, char *const *names, size_t n, Failure *failures);
/* For machines that run under their own units; for others see machines_stop(). */
int units_stop(Ctl *c, char *const *names, size_t n, Failure *failures);

/* Why a unit's start failed: what the supervisor sent as STATUS=, else its last error in the journal, else systemd's
 * result. */
void unit_failure_cause(sd_bus *bus, const char *unit, const char *job_result, Failure *ret);

/* Why a machine does not run that was to: the cause of a unit that has failed, or that refused the last start of one that is
 * inactive (a condition, a dependency). One line, which the caller frees; NULL: there is none. For status and listings. */
char *unit_reason(sd_bus *bus, const UnitInfo *u);

/* A unit's result in words, such as "its supervisor was killed by SIGKILL". */
const char *unit_result_words(const UnitInfo *u, char *buf, size_t size);
