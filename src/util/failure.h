/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Why something failed, in words, made where the object is known and carried unchanged to the one place that speaks:
 * up the stack, and from the child to the supervisor over a socket (so it holds no pointers).
 */

#include "util/macro.h"

typedef struct Failure {
        int error;              /* negative errno; 0: nothing has failed */
        char text[1020];        /* one sentence: what failed, the object, why, what to do */
} Failure;

/* Records the failure unless one is recorded already (the first is the cause), and returns error. %m is error's text.
 * f may be NULL. The text is made fit for a terminal and a single line: other control characters become '?'. */
int failure_set(Failure *f, int error, const char *format, ...) _printf_(3, 4);
