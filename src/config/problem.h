/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Problems with settings, collected so that a user sees all of them at once. Errors prevent a start, warnings do not.
 */

#include "config/settings.h"

typedef struct Problem {
        bool fatal;
        char *text;             /* "/etc/systemd/nspawn/gentoo.nspawn:12: MACVLAN=eth7: no such interface" */
} Problem;

typedef struct Problems {
        Problem *items;
        size_t n;
        size_t n_fatal;
} Problems;

void problems_done(Problems *p);

/* Adds "SOURCE: text", or only the text if the source is a default. 0 or -ENOMEM. */
int problem_error(Problems *p, Source from, const char *format, ...) _printf_(3, 4);
int problem_warning(Problems *p, Source from, const char *format, ...) _printf_(3, 4);
