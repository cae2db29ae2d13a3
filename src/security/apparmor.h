/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

#include "config/problem.h"
#include "util/failure.h"

/* Is AppArmor there, where a machine is to run under a profile of it? enabled_file NULL: the kernel's. optional: to go on
 * without is a warning, and *ret_missing. -ENOMEM or 0; else that it is not there is a fatal problem. The supervisor. */
int apparmor_check(const char *enabled_file, const char *profile, bool optional, Source from, bool *ret_missing,
                   Problems *problems);

/* The profile that a process runs under, to be freed; NULL where it is unconfined or there is no AppArmor. By the host's
 * /proc. */
int apparmor_profile_of(pid_t pid, char **ret, Failure *failure);

/* Its name in the text of the kernel's file, "NAME (MODE)\n", in place; NULL for "unconfined". Pure. */
char *apparmor_parse_label(char *text);

/* Has what this process executes next run under the profile. Takes no privilege, but a /proc that shows the process. -ENOENT
 * where no such profile is loaded. */
int apparmor_set_exec(const char *profile, Failure *failure);
