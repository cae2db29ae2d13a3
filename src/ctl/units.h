/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Machines' units box@NAME.service, for start, stop, enable and disable. units_start() and units_stop() return 0, or a
 * negative errno after a message for each failure. */

#include "bus/systemd1.h"
#include "ctl/verb.h"

/* Is the name valid and, with image, is there such an image? */
int name_check(const char *name, bool image, Failure *failure);

typedef enum NameUse {
        NAMES_VALID,
        NAMES_OF_IMAGES,        /* there are images of these names */
        NAMES_TO_START,         /* and no machine of theirs that was started by hand runs */
} NameUse;

/* Units and names of the valid machines. Logs all failures and returns the first one's error. */
int units_of_names(char *const *names, size_t n, NameUse use, char ***ret_units, char ***ret_names);

int units_start(Ctl *c, char *const *names, size_t n);

/* For machines that run under their own units; for others see machines_stop(). */
int units_stop(Ctl *c, char *const *names, size_t n);

/* Why a unit's start failed: what the supervisor sent as STATUS=, else its last error in the journal, else systemd's
 * result. */
void unit_failure_cause(sd_bus *bus, const char *unit, const char *job_result, Failure *ret);

/* A unit's result in words, such as "its supervisor was killed by SIGKILL". */
const char *unit_result_words(const UnitInfo *u, char *buf, size_t size);
