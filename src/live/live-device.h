/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "live/live-machine.h"

/* Is the source of the bind a device node of the host? One in /dev that is gone is taken for one. */
bool live_is_device(const BindSetting *b);

/* Lets the machine use the devices of the settings `to`, of after or before, and none of those that only the other has: by its
 * unit's DeviceAllow=, and the payload's own policy. Once for any number of devices; after a failure nothing has changed. */
int live_device_change(LiveMachine *m, const Settings *to, Failure *failure);
