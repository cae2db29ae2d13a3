/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/macro.h"

/* Removes name, a file or a directory with its contents, from the directory dir_fd. Does not follow symbolic links, and
 * keeps mounts below (-EBUSY, with all the rest removed). Continues after a failure, and returns the first. -ENOENT: no
 * such name. */
int tree_remove(int dir_fd, const char *name);
