/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The reason of a failure as a sentence. It is written where the object's name is known, and passed unchanged to the
 * function that prints it: up the stack, and from the child to the supervisor over a socket (so it has no pointers).
 */

#include "util/macro.h"

typedef struct Failure {
        int error;              /* negative errno; 0: no failure */
        char text[1020];        /* one sentence: operation, object, reason, remedy */
} Failure;

/* Records the failure unless one is recorded already (the first is the cause), and returns error. %m is error's text. f
 * may be NULL. Control characters become '?'. */
int failure_set(Failure *f, int error, const char *format, ...) _printf_(3, 4);
