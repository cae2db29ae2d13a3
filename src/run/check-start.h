/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "config/problem.h"
#include "run/machine.h"

/* For --check, after the plan: the parts of a start that can fail on this host, as far as they can be tried without a change.
 * -ENOMEM. */
int check_start(const Machine *m, Problems *problems);
