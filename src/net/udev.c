/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See udev.h. The supervisor, before anything is changed; no privilege. */

#include <stdio.h>
#include <unistd.h>

#include "net/udev.h"

bool udev_has_finished(const char *run_dir, int ifindex)
{
        const char *dir = run_dir ? run_dir : "/run/udev";
        char path[256];

        (void) snprintf(path, sizeof(path), "%s/control", dir);
        if (access(path, F_OK) < 0)
                return true;
        (void) snprintf(path, sizeof(path), "%s/data/n%d", dir, ifindex);
        return access(path, F_OK) >= 0;
}

static int on_device(sd_device_monitor *monitor, sd_device *device, void *userdata)
{
        return 0;
}

int udev_watch(sd_event *event, sd_device_monitor **ret)
{
        sd_device_monitor *monitor = NULL;
        int r;

        r = sd_device_monitor_new(&monitor);
        if (r >= 0)
                r = sd_device_monitor_filter_add_match_subsystem_devtype(monitor, "net", NULL);
        if (r >= 0)
                r = sd_device_monitor_attach_event(monitor, event);
        if (r >= 0)
                r = sd_device_monitor_start(monitor, on_device, NULL);
        if (r < 0) {
                sd_device_monitor_unref(monitor);
                return r;
        }

        *ret = monitor;
        return 0;
}
