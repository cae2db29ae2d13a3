/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Settings of running machines, compared and changed by box-run --live, as root: boxctl needs none of its libraries.
 */

#include "config/settings-table.h"
#include "ctl/verb.h"
#include "util/json.h"

/* Only root sees and changes settings of machines that run. */
int live_check_root(Failure *failure);

/* The row of a key, in whatever section it is; of [X-Resources] also a key that the table does not have, as
 * "X-Resources.KEY", whose *ret_key is KEY (NULL: of the row). */
int live_find_key(const char *key, const SettingRow **ret, const char **ret_key, Failure *failure);

/* mode: "pending" or "apply". *ret has "changes" and "problems". -EUCLEAN: fatal problems, which were logged; or a change that
 * failed. -ENOENT: the machine does not run, and nothing was done. */
int live_run(Ctl *c, const char *name, const char *mode, Json **ret, Failure *failure);

/* Prints a line for each change, with its place, and what is or can be done: "applied", "needs a restart". */
void live_print(const JsonNode *live);

/* How many changes need a restart; those that need none were made, or can be. */
size_t live_count_restart(const JsonNode *live);

/* "needs a restart: 2 settings", if the files of a running machine were edited; "": they were not, or only root can know.
 * Cheap if they were not. In buf. */
#define LIVE_STATE_MAX 80
const char *live_state(Ctl *c, const char *name, char buf[static LIVE_STATE_MAX]);
