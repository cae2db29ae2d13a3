/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "image/tree-facts.h"

/* Detects the init of the program at path in the tree. INIT_NONE if there is no executable file. 0 or -ENOMEM. */
int init_flavour_of(int root_fd, const char *path, InitFlavour *ret);
