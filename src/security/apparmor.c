/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * AppArmor (see apparmor.h), by the kernel's files. The supervisor checks what there is. A process that enters a machine
 * reads the machine's profile, as root of the host. A child sets its own profile before it changes its root directory.
 */

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "security/apparmor.h"
#include "util/fd.h"
#include "util/print.h"

enum { LABEL_MAX = 16 * 1024 };        /* a page, and more for stacked profiles */

/* A profile's directory has its name and a number, "box-machine.12". */
static bool is_own(const char *directory)
{
        size_t n = strlen(APPARMOR_MACHINE);

        return strncmp(directory, APPARMOR_MACHINE ".", n + 1) == 0 && directory[n + 1] &&
               strspn(directory + n + 1, "0123456789") == strlen(directory + n + 1);
}

ApparmorState apparmor_state(const char *profiles)
{
        _cleanup_closedir_ DIR *dir = opendir(profiles ?: "/sys/kernel/security/apparmor/policy/profiles");
        ApparmorState state = dir ? APPARMOR_UNUSED : APPARMOR_OFF;
        const struct dirent *entry;

        while (dir && (entry = readdir(dir))) {
                if (is_own(entry->d_name))
                        return APPARMOR_LOADED;
                if (entry->d_name[0] != '.')
                        state = APPARMOR_MISSING;
        }
        return state;
}

int apparmor_check(const char *enabled_file, const char *profile, bool optional, Source from, bool *ret_missing,
                   Problems *problems)
{
        static const char missing[] = "AppArmor is not enabled in this kernel";
        _cleanup_close_ int fd = open(enabled_file ?: "/sys/module/apparmor/parameters/enabled", O_RDONLY | O_CLOEXEC);
        char word = 'N';

        *ret_missing = fd < 0 || read(fd, &word, 1) != 1 || word != 'Y';
        if (!*ret_missing)
                return 0;
        if (optional)
                return problem_warning(problems, from, "AppArmorProfile=-%s: %s, ignoring", profile, missing);
        return problem_error(problems, from, "AppArmorProfile=%s: %s (use \"-%s\" to make it optional)", profile, missing,
                             profile);
}

char *apparmor_parse_label(char *text)
{
        char *mode;

        text[strcspn(text, "\n")] = 0;
        mode = strrchr(text, ' ');
        if (mode && mode[1] == '(')
                *mode = 0;
        return *text && strcmp(text, "unconfined") != 0 ? text : NULL;
}

int apparmor_profile_of(pid_t pid, char **ret, Failure *failure)
{
        _cleanup_free_ char *text = NULL;
        _cleanup_close_ int fd = -EBADF;
        char path[64], *label;
        int r;

        (void) snprintf(path, sizeof(path), "/proc/%d/attr/apparmor/current", pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        /* EINVAL from open() or read(): AppArmor is in the kernel, but not enabled. */
        r = fd < 0 ? -errno : fd_read_all(fd, LABEL_MAX, &text, NULL);
        if (r == -ENOENT || r == -EINVAL) {
                *ret = NULL;
                return 0;
        }
        if (r < 0)
                return failure_set(failure, r, "Failed to read the AppArmor profile of process %d: %m", pid);

        label = apparmor_parse_label(text);
        *ret = label ? strdup(label) : NULL;
        return label && !*ret ? -ENOMEM : 0;
}

int apparmor_set_exec(const char *attr_file, const char *profile, Failure *failure)
{
        const char *path = attr_file ?: "/proc/self/attr/apparmor/exec";
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);
        _cleanup_free_ char *text = NULL;
        int r;

        if (fd < 0)
                return failure_set(failure, -errno, "Failed to open '%s': %m", path);
        if (strf(&text, "exec %s", profile) < 0)
                return failure_set(failure, -ENOMEM, "Out of memory");

        /* It has to be a single write(). */
        r = RET_ERRNO((int) write(fd, text, strlen(text)));
        if (r == -ENOENT)
                return failure_set(failure, r, "AppArmorProfile=%s: no such profile is loaded (see aa-status)", profile);
        return r < 0 ? failure_set(failure, r, "Failed to set the AppArmor profile '%s': %m", profile) : 0;
}
