/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Limits of a machine's first process and its descendants: resource limits, OOM score, CPUs. Planned from the settings, set by
 * the supervisor.
 */

#include <stdio.h>
#include <sys/resource.h>

#include "config/settings.h"
#include "util/failure.h"

typedef struct HostFacts HostFacts;

typedef struct LimitsPlan {
        struct {
                struct rlimit value;
                bool asked;                     /* by a setting: must not be cut */
                Source from;
        } rlimits[RLIM_NLIMITS];
        int oom_score_adjust;                   /* OOM_SCORE_UNSET: the supervisor's */
        Source oom_from;
        CpuSet cpus;                            /* empty: the supervisor's */
        Source cpus_from;
} LimitsPlan;

/* limits-plan.c: pure. */
void limits_plan_make(const Settings *s, const HostFacts *host, LimitsPlan *ret);
int limits_plan_print(const LimitsPlan *p, FILE *f);

/* Does a setting ask for a resource limit? */
bool limits_plan_asks(const LimitsPlan *p);

/* limits.c: sets them for process pid, whose directory in /proc is proc_fd. */
int limits_apply_scheduling(const LimitsPlan *p, pid_t pid, int proc_fd, Failure *failure);

/* Sets the resource limits that are defaults, each cut to what is permitted; or those from settings (asked), which are never
 * cut: at the very end of the set-up, which may need more than they allow. */
int limits_apply_resources(const LimitsPlan *p, pid_t pid, bool asked, Failure *failure);
