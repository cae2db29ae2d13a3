/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* --help, made from the verbs and the options: at most 80 columns. */

#include <stdio.h>

#include "ctl/verb.h"

/* The program's. */
void help_print(FILE *f, const Ctl *c);

/* One verb's. */
void help_print_verb(FILE *f, const Ctl *c, const Verb *v);
