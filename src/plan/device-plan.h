/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The payload's device policy, of its unit's properties and the devices of every machine. Pure, but for their numbers. */

#include "plan/plan.h"
#include "security/device-policy.h"

/* unit_fd: the unit's cgroup; closed if that has no policy, unless DevicePolicy=auto is set. oci may be NULL. 0 or -ENOMEM. */
int device_plan_policy(const UnitPlan *u, const HostFacts *host, const OciSettings *oci, int unit_fd, DevicePolicy *ret);
