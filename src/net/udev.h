/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/macro.h"

/* Has the host's udev finished with a network interface, so that it will not rename it any more? Waits at most
 * timeout_msec for it. True also where there is no udev. run_dir NULL: /run/udev. */
bool udev_settle(const char *run_dir, int ifindex, unsigned timeout_msec);
