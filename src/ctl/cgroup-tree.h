/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdio.h>

#include "util/macro.h"

/* Draws a control group's processes and the groups below it. path: in the unified hierarchy, such as
 * "/machine.slice/box@x.service"; a missing one draws nothing. prefix begins each line; lines are cut at width columns (0:
 * never). root NULL: /sys/fs/cgroup. */
void cgroup_tree_print(FILE *f, const char *root, const char *path, const char *prefix, size_t width);
