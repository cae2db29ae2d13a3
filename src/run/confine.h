/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "run/machine.h"

/* Gives up the capabilities that this process, the supervisor, needs no more: before the payload runs. */
int confine_capabilities(Machine *m, Failure *failure);

/* Restricts it to the files and system calls that it still needs (Landlock, a filter): before it reads what comes from the
 * payload. */
int confine_access(const Machine *m, Failure *failure);
