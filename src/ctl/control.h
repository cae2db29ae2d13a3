/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The control socket of a running machine, for verbs. */

#include "control/client.h"
#include "ctl/verb.h"

/* Connects to it. -ENXIO: no machine of that name runs; -EOPNOTSUPP: box does not run it. */
int control_open(Ctl *c, const char *machine, ControlClient **ret, Failure *failure);

/* Calls a method without parameters and waits for its answer. -EOPNOTSUPP: the machine, or its box-run, cannot do it. */
int control_call_simple(Ctl *c, const char *machine, const char *method, Failure *failure);
