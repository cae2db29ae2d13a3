/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Has the host's udev finished with a network interface, so that it will not rename it any more?
 */

#include <stdbool.h>

#include "util/libsystemd.h"

/* udev leaves a file for each device that it has handled. True also where no udev runs. run_dir NULL: /run/udev. */
bool udev_has_finished(const char *run_dir, int ifindex);

/* Wakes the event loop whenever udev has handled a network interface, until *ret is unreferenced. */
int udev_watch(sd_event *event, sd_device_monitor **ret);
