/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/macro.h"

/* Removes name, a file or a directory with all that is in it, from the directory dir_fd. Follows no symbolic link and
 * leaves alone what is mounted below (-EBUSY, with all the rest gone). Goes on after a failure, and tells the first.
 * -ENOENT where there is no such name. */
int tree_remove(int dir_fd, const char *name);
