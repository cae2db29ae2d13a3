/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The supervisor's own confinement (see confine.h). What an end or another start needs beyond it, the keeper has (run/keeper.h).
 */

#include <dlfcn.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "run/confine.h"
#include "security/capability.h"
#include "security/landlock.h"
#include "util/libsystemd.h"

#define CAP_BIT(c) (UINT64_C(1) << (c))

/* Keeps the capabilities that the end needs: to signal processes of other users (KILL), remove links and set ports (NET_ADMIN),
 * remove cgroups and sockets in directories of the machine (DAC_OVERRIDE). */
int confine_capabilities(Machine *m, Failure *failure)
{
        uint64_t keep = CAP_BIT(CAP_KILL) | CAP_BIT(CAP_DAC_OVERRIDE);

        credentials_done(&m->credentials);
        if (m->plan.network.links.n > 0 || m->network.ports)
                keep |= CAP_BIT(CAP_NET_ADMIN);
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                return failure_set(failure, -errno, "Failed to set no-new-privileges: %m");
        return capability_reduce_self(keep, failure);
}

/* The directory of the lock beside the tree, which is removed at the end. NULL: no lock, or no memory. */
static char *lock_directory(const Machine *m)
{
        const char *path = m->locks.tree.beside.path, *slash = path ? strrchr(path, '/') : NULL;

        return slash ? strndup(path, (size_t) (slash - path) + 1) : NULL;
}

/* Where libraries lie that are loaded later: jansson, for the control socket. */
static char *library_directory(void)
{
        Dl_info info;
        const char *slash = dladdr((const void *) sd_event_new, &info) != 0 ? strrchr(info.dli_fname, '/') : NULL;

        return slash ? strndup(info.dli_fname, (size_t) (slash - info.dli_fname) + 1) : NULL;
}

int confine_access(const Machine *m, Failure *failure)
{
        _cleanup_free_ char *locks = lock_directory(m), *libraries = library_directory();
        const LandlockRule rules[] = {
                { "/proc", -EBADF, LANDLOCK_READ },
                { "/dev", -EBADF, LANDLOCK_WRITE },                             /* terminals */
                { "/run/box", -EBADF, LANDLOCK_EDIT },
                { "/run/systemd/nspawn", -EBADF, LANDLOCK_EDIT },
                { "/run/systemd/nspawn-uid", -EBADF, LANDLOCK_EDIT },
                { "/run/systemd/system.control", -EBADF, LANDLOCK_EDIT },       /* properties of the unit */
                { NULL, m->cgroup.unit_fd, LANDLOCK_EDIT },
                { NULL, m->child.leader.root_fd, LANDLOCK_WRITE },              /* FIFOs of inits */
                { locks, -EBADF, LANDLOCK_REMOVE },
                { libraries, -EBADF, LANDLOCK_READ },
        };
        int r = landlock_restrict(rules, ARRAY_SIZE(rules), failure);

        return r < 0 ? r : seccomp_apply_supervisor(failure);
}
