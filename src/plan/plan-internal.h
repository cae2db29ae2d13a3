/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The parts of a plan that plan_make() (plan.h) puts together. Pure. All return 0 or -ENOMEM; what a user got wrong goes to
 * problems.
 */

#include "plan/plan.h"

/* plan-ids.c: userns, the maps, whose the tree's files are. */
int plan_ids(const PlanInput *in, Plan *p, Problems *problems);

/* The kinds of namespaces, by their CLONE_NEW* bit, in the order in which they are told. */
#define NAMESPACE_KINDS 8
extern const struct NamespaceName { uint64_t bit; const char *name; } namespace_names[NAMESPACE_KINDS];

/* plan-namespaces.c: p->namespaces and late_namespaces; p->userns and p->network are known. */
int plan_namespaces(const PlanInput *in, Plan *p, Problems *problems);
