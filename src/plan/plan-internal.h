/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The parts of plan_make() (plan.h). Pure. All return 0 or -ENOMEM; errors of settings go to problems.
 */

#include "plan/plan.h"

/* plan-ids.c: userns, the maps, owners of the tree's files. */
int plan_ids(const PlanInput *in, Plan *p, Problems *problems);

/* Namespaces by CLONE_NEW* bit, in the order of printing. */
#define NAMESPACE_KINDS 8
extern const struct NamespaceName { uint64_t bit; const char *name; } namespace_names[NAMESPACE_KINDS];

/* plan-namespaces.c: p->namespaces and late_namespaces. Needs p->userns and p->network. */
int plan_namespaces(const PlanInput *in, Plan *p, Problems *problems);
