/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "image/tree-facts.h"

/* Which init the program at path in the tree is. INIT_NONE where there is no executable file. 0 or -ENOMEM. */
int init_flavour_of(int root_fd, const char *path, InitFlavour *ret);
