/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdio.h>

#include "util/macro.h"

/* Draws the control groups below one (a path in the unified hierarchy, "/machine.slice/box@x.service"), with their
 * processes, each line behind prefix and cut at width columns (0: never). Nothing where it is not there. root NULL:
 * /sys/fs/cgroup. */
void cgroup_tree_print(FILE *f, const char *root, const char *path, const char *prefix, size_t width);
