/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "plan/plan.h"

/* The part of a plan (plan/plan.h) about the payload's first process. Both return 0 or -ENOMEM; errors of settings go
 * to problems. First the program and its user, which need the id map; then the environment. */
int exec_plan_make(const PlanInput *in, Plan *p, Problems *problems);
int exec_plan_env(const PlanInput *in, Plan *p);

/* The value of $container. */
const char *exec_plan_manager(const PlanInput *in);
