/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Members of the plan that have a file of their own. */

#include "plan/plan-json.h"

void unit_plan_to_json(Json *w, const char *key, const UnitPlan *p);
void network_plan_to_json(Json *w, const NetworkPlan *p);
void mount_plan_to_json(Json *w, const char *key, const MountPlan *p);
