/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/macro.h"

/* Specifiers in a text, "%i", as in systemd's units. */

/* The text of a specifier, to be freed. 1; 0: there is no such specifier; negative errno: it cannot be told. */
typedef int (*SpecifierLookup)(char letter, const void *userdata, char **ret);

/* Replaces all of them, and "%%" by a percent sign. One that is followed by neither a letter nor a digit is a percent sign too,
 * as in "50%". -EBADSLT: *ret_letter is no specifier; another negative errno: it cannot be told. Pure but for lookup. */
int specifier_expand(const char *text, SpecifierLookup lookup, const void *userdata, char **ret, char *ret_letter);
