/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Shared by the two files that call machined, and by no other. */

#include "bus/bus.h"

/* bus_failure() with machined's view: whatever keeps the service from being activated is "no machined". */
int machined_failure(Failure *failure, int r, const sd_bus_error *error, const char *what);
