/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "config/problem.h"
#include "run/machine.h"

/* For --check, after the plan: the parts of a start that can fail on this host, as far as they can be tried without a change.
 * -ENOMEM. */
int check_start(Machine *m, Problems *problems);

/* Parts of it. tree_fd: the machine's "/" of the tree; -EBADF: it cannot be looked at. */
int check_mounts(const Machine *m, int tree_fd, Problems *problems);            /* run/check-mounts.c */
int check_program(const Machine *m, int tree_fd, Problems *problems);           /* run/check-program.c */
