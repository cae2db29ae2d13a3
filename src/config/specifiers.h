/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Specifiers in a settings file ("%i"), as in a unit of the host's service manager. systemd-nspawn knows none, and takes "%i"
 * as it is written; so a file has them only if it says so itself, by Specifiers=yes in [X-Box]. A file that is not trusted
 * cannot: the host's machine id is confidential (machine-id(5)).
 */

#include "config/assignment.h"

typedef struct SpecifierFacts {
        const char *machine;
        const char *root;       /* prefix of /etc and /usr, for tests; NULL: none */
} SpecifierFacts;

/* Expands all values of a file that asks for it. Specifiers that do not exist are fatal Problems; -ENOMEM is the only failure. */
int specifiers_apply(const SpecifierFacts *facts, Assignments *a, Problems *problems);
