/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * See udev.h. udev leaves a file for each device that it has handled (n and the index, for an interface); there is no need
 * for libudev to see whether that is there. The supervisor, before anything is changed; no privilege.
 */

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "net/udev.h"

enum { PAUSE_MSEC = 20 };

bool udev_settle(const char *run_dir, int ifindex, unsigned timeout_msec)
{
        static const struct timespec pause = { .tv_nsec = PAUSE_MSEC * 1000000 };
        const char *dir = run_dir ? run_dir : "/run/udev";
        char path[256];

        (void) snprintf(path, sizeof(path), "%s/control", dir);
        if (access(path, F_OK) < 0)
                return true;

        (void) snprintf(path, sizeof(path), "%s/data/n%d", dir, ifindex);
        for (unsigned waited = 0; waited <= timeout_msec; waited += PAUSE_MSEC) {
                if (access(path, F_OK) >= 0)
                        return true;
                (void) nanosleep(&pause, NULL);
        }
        return false;
}
