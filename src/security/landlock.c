/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Landlock (see landlock.h), by its three system calls. The supervisor, without privilege. */

#include <fcntl.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "security/landlock.h"
#include "util/fd.h"

/* As in linux/landlock.h, which may be older than the kernel. */
enum {
        FS_WRITE_FILE = 1 << 1, FS_READ_FILE = 1 << 2, FS_READ_DIR = 1 << 3, FS_REMOVE_DIR = 1 << 4, FS_REMOVE_FILE = 1 << 5,
        FS_MAKE_DIR = 1 << 7, FS_MAKE_REG = 1 << 8,
        FS_ALL_FIRST = (1 << 13) - 1,
        FS_REFER = 1 << 13,             /* version 2 */
        FS_TRUNCATE = 1 << 14,          /* 3 */
        NET_TCP = 3,                    /* 4 */
        RULE_PATH_BENEATH = 1,
        CREATE_VERSION = 1,
};

typedef struct RulesetAttr {
        uint64_t fs, net;
} RulesetAttr;

typedef struct __attribute__((packed)) PathBeneath {
        uint64_t allowed;
        int32_t fd;
} PathBeneath;

static const uint64_t accesses[] = {
        [LANDLOCK_READ] = FS_READ_FILE | FS_READ_DIR,
        [LANDLOCK_WRITE] = FS_READ_FILE | FS_READ_DIR | FS_WRITE_FILE,
        [LANDLOCK_EDIT] = FS_READ_FILE | FS_READ_DIR | FS_WRITE_FILE | FS_REMOVE_DIR | FS_REMOVE_FILE | FS_MAKE_DIR |
                          FS_MAKE_REG | FS_REFER | FS_TRUNCATE,
        [LANDLOCK_REMOVE] = FS_REMOVE_FILE,
};

static int add_rule(int ruleset, const LandlockRule *rule, uint64_t handled)
{
        _cleanup_close_ int own = rule->fd < 0 && rule->path ? open(rule->path, O_PATH | O_CLOEXEC) : -EBADF;
        const PathBeneath beneath = { accesses[rule->access] & handled, rule->fd >= 0 ? rule->fd : own };

        if (beneath.fd < 0)
                return rule->path && errno != ENOENT ? -errno : 0;
        return RET_ERRNO((int) syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &beneath, 0));
}

int landlock_restrict(const LandlockRule *rules, size_t n, Failure *failure)
{
        long version = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_VERSION);
        const RulesetAttr attr = {
                .fs = FS_ALL_FIRST | (version >= 2 ? FS_REFER : 0) | (version >= 3 ? FS_TRUNCATE : 0),
                .net = NET_TCP,
        };
        _cleanup_close_ int fd = -EBADF;

        /* Not built in, or not enabled. */
        if (version <= 0)
                return 0;
        fd = (int) syscall(SYS_landlock_create_ruleset, &attr, version >= 4 ? sizeof(attr) : sizeof(attr.fs), 0);
        if (fd < 0)
                return failure_set(failure, -errno, "Failed to create a Landlock ruleset: %m");
        for (size_t i = 0; i < n; i++) {
                int r = add_rule(fd, &rules[i], attr.fs);

                if (r < 0)
                        return failure_set(failure, r, "Failed to add '%s' to a Landlock ruleset: %m",
                                           rules[i].path ?: "a directory");
        }
        if (syscall(SYS_landlock_restrict_self, fd, 0) < 0)
                return failure_set(failure, -errno, "Failed to restrict this process by Landlock: %m");
        return 1;
}
