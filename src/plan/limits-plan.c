/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Limits of a machine (see limits.h). Pure, except for the stream it prints to. */

#include "plan/plan.h"
#include "security/limits.h"
#include "util/rlimit.h"

/* The limits of a PID 1, whatever the supervisor's are; 512Ki and 8M are systemd's defaults. */
static void default_limits(const HostFacts *h, struct rlimit ret[static RLIM_NLIMITS])
{
        const rlim_t inf = RLIM_INFINITY, memlock = 8 * 1024 * 1024;
        const rlim_t nofile = h->nr_open < 512 * 1024 ? h->nr_open : 512 * 1024;
        const struct rlimit limits[RLIM_NLIMITS] = {
                [RLIMIT_CPU] = { inf, inf },
                [RLIMIT_FSIZE] = { inf, inf },
                [RLIMIT_DATA] = { inf, inf },
                [RLIMIT_STACK] = { 8 * 1024 * 1024, inf },
                [RLIMIT_CORE] = { 0, inf },
                [RLIMIT_RSS] = { inf, inf },
                [RLIMIT_NOFILE] = { 1024, nofile },
                [RLIMIT_AS] = { inf, inf },
                [RLIMIT_NPROC] = h->pid1_nproc,
                [RLIMIT_MEMLOCK] = { memlock, memlock },
                [RLIMIT_LOCKS] = { inf, inf },
                [RLIMIT_SIGPENDING] = h->pid1_sigpending,
                [RLIMIT_MSGQUEUE] = { 800 * 1024, 800 * 1024 },
                [RLIMIT_NICE] = { 0, 0 },
                [RLIMIT_RTPRIO] = { 0, 0 },
                [RLIMIT_RTTIME] = { inf, inf },
        };

        for (int i = 0; i < RLIM_NLIMITS; i++)
                ret[i] = limits[i];
}

void limits_plan_make(const Settings *s, const HostFacts *host, LimitsPlan *ret)
{
        struct rlimit defaults[RLIM_NLIMITS];

        default_limits(host, defaults);
        for (int i = 0; i < RLIM_NLIMITS; i++) {
                ret->rlimits[i].asked = s->rlimits[i].set;
                ret->rlimits[i].value = s->rlimits[i].set ? s->rlimits[i].value : defaults[i];
                ret->rlimits[i].from = s->from[settings_limit_id(i)];
        }

        ret->oom_score_adjust = s->oom_score_adjust;
        ret->oom_from = s->from[SETTING_OOM_SCORE_ADJUST];
        ret->cpus = s->cpu_affinity;
        ret->cpus_from = s->from[SETTING_CPU_AFFINITY];
}

bool limits_plan_asks(const LimitsPlan *p)
{
        for (int i = 0; i < RLIM_NLIMITS; i++)
                if (p->rlimits[i].asked)
                        return true;
        return false;
}

int limits_plan_print(const LimitsPlan *p, FILE *f)
{
        _cleanup_free_ char *cpus = cpu_set_to_text(&p->cpus);

        if (!cpus)
                return -ENOMEM;
        fputs("limits:", f);
        for (int i = 0; i < RLIM_NLIMITS; i++) {
                char text[RLIMIT_TEXT_MAX];

                fprintf(f, " %s=%s", rlimit_name(i), rlimit_to_text(&p->rlimits[i].value, text));
        }
        fputc('\n', f);

        if (p->oom_score_adjust != OOM_SCORE_UNSET)
                fprintf(f, "out of memory: %d\n", p->oom_score_adjust);
        if (*cpus)
                fprintf(f, "cpus: %s\n", cpus);
        return 0;
}
