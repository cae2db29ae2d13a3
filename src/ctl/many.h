/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Many machines at once: which names are meant, and what has become of each. */

#include "ctl/verb.h"

/* The names that are meant by those on the command line, in their order, each once: a glob ("web*") stands for the candidates
 * that it matches. -ENXIO and a failure: it matches none. running: the candidates are those that run. */
int names_match(char *const *words, char *const *candidates, bool running, char ***ret, Failure *failure);

/* Does one of the words have a character of a glob? No name has. */
bool names_have_glob(char *const *words);

/* The same for a verb, with the machines of this host that it takes as candidates; all: all of these. */
int names_expand(const Verb *v, char *const *words, bool all, char ***ret, Failure *failure);

/* Logs each machine's failure and, of several, prints a line for each success, in the order of the names. Returns the worst
 * (exit_worse()). */
int names_report(Ctl *c, char *const *names, const Failure *failures, size_t n);
