/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "run/machine.h"

/* Opens, with O_PATH, what the machine will have at an absolute path after the first n steps of its mount plan, as far as the
 * tree and directories of the host tell before a start. tree_fd: the machine's "/" of the tree, or -EBADF. -ENOENT: nothing
 * is there. -ENOTDIR: a part of the path is a file. -EAGAIN: it cannot be known. */
int check_place_open(const MountPlan *plan, size_t n, int tree_fd, const char *path);
