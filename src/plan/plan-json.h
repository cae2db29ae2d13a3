/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The plan for programs: box-run --dry-run --json. */

#include "plan/plan.h"
#include "util/json.h"

/* Puts the plan as a member of the object that is open. */
void plan_to_json(Json *w, const char *key, const Plan *p);

/* The member of the plan in which a setting can be seen: "mounts". A list there has "from" in those of its elements that
 * settings ask for. NULL where it has no part in the plan. */
const char *plan_member_of_setting(SettingId id);
