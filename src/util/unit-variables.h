/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/macro.h"

/*
 * Variables in the command line of a unit, as systemd replaces them (systemd.service(5), COMMAND LINES): ${NAME} within a word by
 * its value, a word that is $NAME by the words of its value, none if it is not set, and $$ by $. Pure.
 */

/* env has entries NAME=VALUE. *ret: the words; *ret_unset: the names that it does not have, each once. */
int unit_variables_expand(char *const *words, char *const *env, char ***ret, char ***ret_unset);
