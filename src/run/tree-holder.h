/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "config/problem.h"
#include "run/machine.h"

/* image_lock() with the real directory; the failure of a tree that is in use names who uses it. */
int tree_lock(const Image *i, bool read_only, ImageLock *ret, Failure *failure);

/* For --check: the same failure as a problem, unless the machine itself has the tree. -ENOMEM. */
int tree_lock_check(const Machine *m, bool read_only, Problems *problems);

/* " (PROGRAM, process PID, unit UNIT)", as far as it is known; "" for pid 0. */
#define PROCESS_TEXT_MAX 400
const char *process_text(pid_t pid, char ret[static PROCESS_TEXT_MAX]);
