/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Sets the limits of a machine's first process (see limits.h). The supervisor, with the host's CAP_SYS_RESOURCE for higher hard
 * limits and a lower OOM score.
 */

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "security/limits.h"
#include "util/fd.h"
#include "util/rlimit.h"

static int set_oom_score(const LimitsPlan *p, int proc_fd, Failure *failure)
{
        _cleanup_close_ int fd = openat(proc_fd, "oom_score_adj", O_WRONLY | O_CLOEXEC);
        char text[16], source[SOURCE_TEXT_MAX];
        int r = fd < 0 ? -errno : 0;

        (void) snprintf(text, sizeof(text), "%d", p->oom_score_adjust);
        if (r >= 0)
                r = fd_write_all(fd, text, strlen(text));
        if (r == -EACCES)
                return failure_set(failure, r, "%s: OOMScoreAdjust=%d is less than box-run's own, which it may not go "
                                   "below: %m", source_text(p->oom_from, source), p->oom_score_adjust);
        if (r < 0)
                return failure_set(failure, r, "%s: Failed to set OOMScoreAdjust=%d: %m", source_text(p->oom_from, source),
                                   p->oom_score_adjust);
        return 0;
}

static int set_cpus(const LimitsPlan *p, pid_t pid, Failure *failure)
{
        char source[SOURCE_TEXT_MAX];
        _cleanup_free_ char *cpus = NULL;
        int r;

        /* The kernel accepts an array of words of any length. */
        if (sched_setaffinity(pid, sizeof(p->cpus.bits), (const cpu_set_t *) (const void *) p->cpus.bits) >= 0)
                return 0;

        r = -errno;
        cpus = cpu_set_to_text(&p->cpus);
        if (r == -EINVAL)
                return failure_set(failure, r, "%s: CPUAffinity=%s has no CPU that exists and that box-run may use",
                                   source_text(p->cpus_from, source), cpus ?: "");
        return failure_set(failure, r, "%s: Failed to set CPUAffinity=%s: %m", source_text(p->cpus_from, source),
                           cpus ?: "");
}

int limits_apply_scheduling(const LimitsPlan *p, pid_t pid, int proc_fd, Failure *failure)
{
        int r;

        if (p->oom_score_adjust != OOM_SCORE_UNSET) {
                r = set_oom_score(p, proc_fd, failure);
                if (r < 0)
                        return r;
        }
        return cpu_set_is_empty(&p->cpus) ? 0 : set_cpus(p, pid, failure);
}

static int refuse(const LimitsPlan *p, int resource, Failure *failure)
{
        char source[SOURCE_TEXT_MAX];

        return failure_set(failure, -EPERM, "%s: Limit%s= is more than box-run may set: above %sits own hard limit without "
                           "CAP_SYS_RESOURCE", source_text(p->rlimits[resource].from, source), rlimit_name(resource),
                           resource == RLIMIT_NOFILE ? "fs.nr_open, or above " : "");
}

/* A hard limit is raised with CAP_SYS_RESOURCE. Without it (the host is a container itself) a default is cut to box-run's own
 * hard limit. */
static int set_resource(const LimitsPlan *p, pid_t pid, int resource, Failure *failure)
{
        struct rlimit want = p->rlimits[resource].value, have;

        if (prlimit(pid, (__rlimit_resource_t) resource, &want, NULL) >= 0)
                return 0;
        if (errno == EPERM && p->rlimits[resource].asked)
                return refuse(p, resource, failure);
        if (errno == EPERM && prlimit(pid, (__rlimit_resource_t) resource, NULL, &have) >= 0) {
                want.rlim_max = have.rlim_max;
                if (want.rlim_cur > want.rlim_max)
                        want.rlim_cur = want.rlim_max;
                if (prlimit(pid, (__rlimit_resource_t) resource, &want, NULL) >= 0)
                        return 0;
        }

        return failure_set(failure, -errno, "Failed to set the machine's limit %s: %m", rlimit_name(resource));
}

int limits_apply_resources(const LimitsPlan *p, pid_t pid, bool asked, Failure *failure)
{
        for (int resource = 0; resource < RLIM_NLIMITS; resource++) {
                int r = p->rlimits[resource].asked == asked ? set_resource(p, pid, resource, failure) : 0;

                if (r < 0)
                        return r;
        }

        return 0;
}
