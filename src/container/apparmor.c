/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * AppArmor (see apparmor.h), by the two files of the kernel that this takes. The check runs in the supervisor, the rest in the
 * child, before it is in the machine's tree.
 */

#include <stdio.h>
#include <unistd.h>

#include "container/apparmor.h"
#include "util/fd.h"

int apparmor_check(const char *enabled_file, const char *profile, bool optional, Source from, bool *ret_missing,
                   Problems *problems)
{
        static const char missing[] = "this kernel does not have AppArmor on";
        _cleanup_close_ int fd = open(enabled_file ?: "/sys/module/apparmor/parameters/enabled", O_RDONLY | O_CLOEXEC);
        char word = 'N';

        *ret_missing = fd < 0 || read(fd, &word, 1) != 1 || word != 'Y';
        if (!*ret_missing)
                return 0;
        if (optional)
                return problem_warning(problems, from, "AppArmorProfile=-%s: %s, ignoring", profile, missing);
        return problem_error(problems, from, "AppArmorProfile=%s: %s (\"-%s\" goes on without)", profile, missing, profile);
}

int apparmor_set_exec(const char *profile, Failure *failure)
{
        _cleanup_close_ int fd = open("/proc/self/attr/apparmor/exec", O_WRONLY | O_CLOEXEC);
        int r;

        if (fd < 0)
                return failure_set(failure, -errno, "Failed to open AppArmor's file of this process: %m");

        /* The kernel takes it in one write() only. */
        r = RET_ERRNO(dprintf(fd, "exec %s", profile));
        if (r == -ENOENT)
                return failure_set(failure, r, "AppArmorProfile=%s: no such profile is loaded (see aa-status)", profile);
        return r < 0 ? failure_set(failure, r, "Failed to choose the AppArmor profile '%s': %m", profile) : 0;
}
