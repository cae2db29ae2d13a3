/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* --help, made from the tables of verbs and options. */

#include <stdio.h>

#include "ctl/verb.h"

/* Of the program. */
void help_print(FILE *f, const Ctl *c);

/* Of one verb. */
/* All verbs and options as JSON, in the form that systemd's programs have for --introspect-cli. */
int help_introspect(FILE *f, Failure *failure);

void help_print_verb(FILE *f, const Ctl *c, const Verb *v);
