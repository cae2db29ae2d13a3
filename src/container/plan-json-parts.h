/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The lists of plan-json.c, each in a file of its own. */

#include "container/plan-json.h"

void link_plan_to_json(JsonWriter *w, const char *key, const LinkPlan *p);
void unit_plan_to_json(JsonWriter *w, const char *key, const UnitPlan *p);
void mount_plan_to_json(JsonWriter *w, const char *key, const MountPlan *p);
