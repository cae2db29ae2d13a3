/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Dependencies of units by what machines' files name: After= and Requires= of [X-Box], and the mounts that its paths and a
 * linked tree need. A drop-in for box@NAME.service of each machine that has some.
 */

#include "util/macro.h"

/* Reads the files of all machines in the trusted directories (below root: "" except in tests), and writes
 * box@NAME.service.d/50-box.conf below out_fd. A machine whose files cannot be read or have errors is logged and
 * skipped. Returns the number of drop-ins, or -ENOMEM. */
int dependencies_write(const char *root, int out_fd);
