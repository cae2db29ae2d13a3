/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "plan/plan.h"

/* The part of a plan (plan/plan.h) that is about the payload's first process. Both: 0 or -ENOMEM; what a user got
 * wrong goes to problems. First the program and its user, for which the id map must be planned; then the environment. */
int exec_plan_make(const PlanInput *in, Plan *p, Problems *problems);
int exec_plan_env(const PlanInput *in, Plan *p);

/* What $container says that we are. */
const char *exec_plan_manager(const PlanInput *in);
