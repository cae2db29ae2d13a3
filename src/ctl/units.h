/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Machines by their units box@NAME.service: shared by start, stop, enable and disable. Each returns the verb's result:
 * 0, or a negative errno after one message a failure. */

#include "bus/systemd1.h"
#include "ctl/verb.h"

/* Is it a valid name, and (image) is there such an image? */
int name_check(const char *name, bool image, Failure *failure);

int units_start(Ctl *c, char *const *names, size_t n);

/* Machines that run under units of their own are stopped by these; others see machines_stop(). */
int units_stop(Ctl *c, char *const *names, size_t n);

/* Why a unit's start failed, in words: what the supervisor left in STATUS=, else its last error in the journal, else
 * systemd's result. */
void unit_failure_cause(sd_bus *bus, const char *unit, const char *job_result, Failure *ret);

/* "exit status 1", "killed by SIGKILL", "timeout": a unit's result in words. */
const char *unit_result_words(const UnitInfo *u, char *buf, size_t size);
