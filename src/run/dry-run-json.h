/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdio.h>

#include "run/machine.h"
#include "util/json.h"

/* Prints sources, settings, problems and, if planned, the plan as one JSON object. */
int dry_run_print_json(const Machine *m, bool planned, FILE *f, Failure *failure);

/* "problems": of settings, as a member. */
void dry_run_put_problems(Json *w, const Problems *p);
