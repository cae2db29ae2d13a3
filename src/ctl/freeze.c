/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The freezer of cgroups (see freeze.h). Part of boxctl, as root: it writes to the payload's cgroup.freeze, which is the host's
 * file, not one that the machine's root was given. systemd's calls for it are root's, too: no polkit action allows them.
 */

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bus/systemd1.h"
#include "ctl/freeze.h"
#include "util/clock.h"
#include "util/fd.h"
#include "util/print.h"

#define FREEZE_USEC (10 * USEC_PER_SEC)

/* Whether cgroup.freeze of it was written. */
static bool is_told(const char *group)
{
        _cleanup_free_ char *path = NULL, *text = NULL;

        return strf(&path, "/sys/fs/cgroup%s/cgroup.freeze", group) >= 0 &&
               fd_read_file_at(AT_FDCWD, path, 16, &text, NULL) >= 0 && text[0] == '1';
}

/* The kernel wakes who polls the file when its text has changed. */
static int wait_for(const char *group, bool freeze)
{
        const uint64_t deadline = clock_usec(CLOCK_MONOTONIC) + FREEZE_USEC;
        const char *wanted = freeze ? "frozen 1" : "frozen 0";
        _cleanup_free_ char *path = NULL;
        _cleanup_close_ int fd = -EBADF;
        char text[256];

        if (strf(&path, "/sys/fs/cgroup%s/cgroup.events", group) < 0)
                return -ENOMEM;
        fd = RET_ERRNO(open(path, O_RDONLY | O_CLOEXEC));
        if (fd < 0)
                return fd;
        for (;;) {
                struct pollfd p = { .fd = fd, .events = POLLPRI };
                ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
                uint64_t now = clock_usec(CLOCK_MONOTONIC);

                if (n < 0)
                        return -errno;
                text[n] = '\0';
                if (strstr(text, wanted))
                        return 0;
                if (now >= deadline)
                        return -ETIMEDOUT;
                if (poll(&p, 1, (int) ((deadline - now) / 1000 + 1)) < 0 && errno != EINTR)
                        return -errno;
        }
}

static int tell(const char *group, bool freeze)
{
        _cleanup_free_ char *path = NULL;

        if (strf(&path, "/sys/fs/cgroup%s/cgroup.freeze", group) < 0)
                return -ENOMEM;
        return fd_write_file_at(AT_FDCWD, path, freeze ? "1" : "0");
}

static int freeze_group(const char *group, bool freeze, Failure *failure)
{
        int r = tell(group, freeze);

        if (r >= 0)
                r = wait_for(group, freeze);
        if (r == -ETIMEDOUT && freeze) {
                (void) tell(group, false);
                return failure_set(failure, r, "A process of it could not be frozen within 10 s; all run again");
        }
        return r < 0 ? failure_set(failure, r, "Failed to %s the cgroup %s: %m", freeze ? "freeze" : "thaw", group) : 0;
}

static int freeze_unit(Ctl *c, const RunningMachine *m, bool freeze, Failure *failure)
{
        sd_bus *bus = ctl_bus(c, failure);

        if (!bus)
                return failure->error;
        return systemd1_freeze_unit(bus, running_machine_unit(m), freeze, failure);
}

static int freeze_payload(Ctl *c, const RunningMachine *m, bool freeze, Failure *failure)
{
        _cleanup_free_ char *unit = NULL, *payload = NULL;
        int r = running_machine_cgroup(m, &payload);

        if (r < 0)
                return failure_set(failure, -EOPNOTSUPP, "The machine has no cgroup of its own");
        unit = strndup(payload, strlen(payload) - strlen("/payload"));
        if (!unit)
                return failure_set(failure, -ENOMEM, "Out of memory");
        /* With systemctl freeze, its supervisor, too. */
        if (!freeze && is_told(unit)) {
                r = freeze_unit(c, m, false, failure);
                if (r < 0)
                        return r;
        }
        return freeze_group(payload, freeze, failure);
}

int machine_freeze(Ctl *c, const RunningMachine *m, bool freeze, Failure *failure)
{
        if (running_machine_is_frozen(m) && freeze)
                return 0;
        if (geteuid() != 0)
                return failure_set(failure, -EPERM, freeze ? "Only root may freeze a machine" :
                                                             "The machine is frozen; only root may thaw it");
        if (m->ours)
                return freeze_payload(c, m, freeze, failure);
        if (!running_machine_unit(m)[0])
                return failure_set(failure, -EOPNOTSUPP, "The machine has no unit of its own");
        return freeze_unit(c, m, freeze, failure);
}

int machine_thaw_to_stop(Ctl *c, const RunningMachine *m, Failure *failure)
{
        return running_machine_is_frozen(m) ? machine_freeze(c, m, false, failure) : 0;
}
