/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What box-run would make of a machine: box-run --json with the switches, and in the environment, of the machine's unit. So
 * there is one program that knows, and nothing that a start needs has to be linked to boxctl.
 */

#include "ctl/verb.h"
#include "util/json.h"

/* *ret: what box-run(1) says of --json; its "problems" may be fatal. instead (NULL: none) is a switch more,
 * "--read-instead=FILE:OTHER". */
int dry_run(Ctl *c, const char *name, const char *instead, Json **ret, Failure *failure);

/* Prints the problems as boxctl's own messages. How many were fatal. */
size_t dry_run_report(const char *name, const JsonNode *run);
