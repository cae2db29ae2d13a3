/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A dry run of a machine: box-run --json with the switches and the environment of the machine's unit. So only box-run knows how
 * settings become a plan, and boxctl needs none of its libraries.
 */

#include "ctl/verb.h"
#include "util/json.h"

/* *ret: the output of box-run --json (see box-run(1)), freed by the caller; its "problems" may be fatal. instead: one more
 * switch, "--read-instead=FILE:OTHER", or NULL. */
int dry_run(Ctl *c, const char *name, const char *instead, Json **ret, Failure *failure);

/* The same with these switches (ended by NULL) instead of --json. Of a running machine that was started by hand, root runs
 * its supervisor's own command. */
int dry_run_with(Ctl *c, const char *name, const char *const *switches, Json **ret, Failure *failure);

/* Prints the problems as boxctl's own messages. Returns how many are fatal. */
size_t dry_run_report(const char *name, const JsonNode *run);
