/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The paths of the host that a machine needs, for RequiresMountsFor= of its unit, and those that it uses if they are there. */

#include "config/settings.h"

/* The directories that machines' trees and images are searched in. */
extern const char *const required_paths_tree_dirs[];

/* Appends the sources of binds and overlays, NamespacePath=, and what the machine's tree or image is a link to; each also as what
 * it leads to, where links are in it. root: "" except in tests. 0 or -ENOMEM. */
int required_paths_add(const char *root, const char *machine, const Settings *s, char ***paths);

/* Appends optional sources in the same way. */
int wanted_paths_add(const char *root, const Settings *s, char ***paths);

/* The unit that would mount something on this absolute path, as systemd names it; to be freed; NULL without memory. */
char *mount_unit_name(const char *path);
