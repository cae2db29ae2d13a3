/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

#include "config/problem.h"
#include "util/failure.h"

/* box's own profiles, of apparmor.d/box-machine; the second with Nesting=yes. And the word for no profile. */
#define APPARMOR_MACHINE "box-machine"
#define APPARMOR_NESTING "box-machine-nesting"
#define APPARMOR_UNCONFINED "unconfined"

typedef enum ApparmorState {
        APPARMOR_OFF,           /* not in this kernel, or not visible: box runs in a machine itself */
        APPARMOR_UNUSED,        /* no profile at all is loaded */
        APPARMOR_MISSING,       /* box's is not */
        APPARMOR_LOADED,
} ApparmorState;

/* Are box's own profiles loaded? profiles NULL: the kernel's directory of loaded profiles. */
ApparmorState apparmor_state(const char *profiles);

/* Adds a problem if AppArmor is not enabled, for a machine with a profile: fatal, or a warning if optional. enabled_file NULL:
 * the kernel's. Returns 0 or -ENOMEM. The supervisor. */
int apparmor_check(const char *enabled_file, const char *profile, bool optional, Source from, bool *ret_missing,
                   Problems *problems);

/* The profile of a process, by the host's /proc. NULL: unconfined, or no AppArmor. The caller frees it. */
int apparmor_profile_of(pid_t pid, char **ret, Failure *failure);

/* The name in the text of the kernel's file, "NAME (MODE)\n", which is changed; NULL for "unconfined". Pure. */
char *apparmor_parse_label(char *text);

/* Sets the profile of this process's next execve(). Needs no privilege, but /proc. attr_file NULL: the kernel's. -ENOENT: no such
 * profile is loaded. */
int apparmor_set_exec(const char *attr_file, const char *profile, Failure *failure);
