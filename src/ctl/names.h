/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The machines of this host: for globs, and for `boxctl _names VERB`, which shell completion calls and --help does not list. */

#include "ctl/verb.h"

/* The names of machines that a verb takes, sorted. What cannot be read is left out. 0 or -ENOMEM. */
int names_list(const Verb *verb, char ***ret);

/* Prints the names of machines that a verb takes, one a line. */
void names_print(const Verb *verb);
