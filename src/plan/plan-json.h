/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The plan as JSON: box-run --dry-run --json. */

#include "plan/plan.h"
#include "util/json.h"

/* Adds the plan to the open object, as the member `key`. */
void plan_to_json(Json *w, const char *key, const Plan *p);

/* The member of the plan that shows the effect of a setting ("mounts"), or NULL. If it is a list, items that come from settings
 * have a member "from". */
const char *plan_member_of_setting(SettingId id);
