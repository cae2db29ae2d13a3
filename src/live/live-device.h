/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "live/live-machine.h"

/* Is the source of the bind a device node of the host? */
bool live_is_device(const BindSetting *b);

/* Lets the machine use the device: its unit's DeviceAllow=, and the payload's own policy, which is that of the settings. */
int live_device_allow(LiveMachine *m, const Settings *s, const BindSetting *b, Failure *failure);

/* Gives the payload the policy of the settings. The unit's may allow more, which does not count. */
int live_device_restrict(LiveMachine *m, const Settings *s, Failure *failure);
