/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Shared by machined.c and machined-register.c only. */

#include "bus/bus.h"

/* bus_failure(), with every error of activating machined's service as -ENOSYS. */
int machined_failure(Failure *failure, int r, const sd_bus_error *error, const char *what);
