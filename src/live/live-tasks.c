/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * CPUAffinity= and OOMScoreAdjust= of a running machine: of all its processes, by the host's /proc. Runs in box-run --live, as
 * root; it reads names of directories and cgroups there, nothing that the payload writes.
 */

#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "live/live-machine.h"
#include "payload/cgroup.h"
#include "util/fd.h"
#include "util/parse.h"

/* Processes that are created meanwhile have what their parents have: all are looked at again until none is new. */
enum { ROUNDS_MAX = 8 };

static const char *never(LiveMachine *m, const LiveChange *c)
{
        return NULL;
}

static bool is_below(const char *cgroup, const char *payload)
{
        size_t n = strlen(payload);

        return strncmp(cgroup, payload, n) == 0 && (!cgroup[n] || cgroup[n] == '/');
}

typedef int ProcessCall(int proc_fd, const char *pid, const void *argument);

/* A directory's name as a number; -1: it is none. */
static pid_t parse_pid(const char *name)
{
        uint32_t pid;

        return parse_u32(name, &pid) >= 0 && pid <= INT32_MAX ? (pid_t) pid : -1;
}

/* Calls one() for each process of the machine. Its sum of results, or the first negative one. */
static int each_process(const LiveMachine *m, ProcessCall *one, const void *argument)
{
        _cleanup_closedir_ DIR *proc = opendir("/proc");
        struct dirent *entry;
        int sum = 0;

        if (!proc)
                return -errno;
        while ((errno = 0, entry = readdir(proc))) {
                _cleanup_free_ char *cgroup = NULL;
                int r;

                if (parse_pid(entry->d_name) <= 0 || cgroup_of_pid(parse_pid(entry->d_name), &cgroup, NULL) < 0 ||
                    !is_below(cgroup, m->payload))
                        continue;
                r = one(dirfd(proc), entry->d_name, argument);
                if (r < 0)
                        return r;
                sum += r;
        }
        return errno ? -errno : sum;
}

static int change_all(const LiveMachine *m, ProcessCall *one, const void *argument)
{
        int r = 1;

        for (unsigned i = 0; r > 0 && i < ROUNDS_MAX; i++)
                r = each_process(m, one, argument);
        return r;
}

/* ---- CPUAffinity= ---------------------------------------------------------------------------------------------------- */

static cpu_set_t *mask_of(CpuSet *set)
{
        return (cpu_set_t *) (void *) set->bits;
}

/* 1: it had others; 0: it had these, or has ended. */
static int pin_task(pid_t task, const CpuSet *cpus)
{
        CpuSet now = { 0 }, to = *cpus, then = { 0 };

        if (sched_getaffinity(task, sizeof(now.bits), mask_of(&now)) < 0 ||
            sched_setaffinity(task, sizeof(to.bits), mask_of(&to)) < 0 ||
            sched_getaffinity(task, sizeof(then.bits), mask_of(&then)) < 0)
                return errno == ESRCH ? 0 : -errno;
        return memcmp(&now, &then, sizeof(now)) != 0;
}

static int pin_process(int proc_fd, const char *pid, const void *argument)
{
        _cleanup_closedir_ DIR *tasks = NULL;
        char path[NAME_MAX + 6];
        struct dirent *entry;
        int fd, sum = 0;

        (void) snprintf(path, sizeof(path), "%s/task", pid);
        fd = openat(proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        tasks = fd < 0 ? NULL : fdopendir(fd);
        while (tasks && (entry = readdir(tasks))) {
                int r = parse_pid(entry->d_name) > 0 ? pin_task(parse_pid(entry->d_name), argument) : 0;

                if (r < 0)
                        return r;
                sum += r;
        }
        return sum;
}

static int apply_affinity(LiveMachine *m, const LiveChange *c, Settings *to, Failure *failure)
{
        CpuSet cpus = to->cpu_affinity;
        int r = 0;

        /* By default, the supervisor's. */
        if (cpu_set_is_empty(&cpus))
                r = RET_ERRNO(sched_getaffinity(m->state.supervisor, sizeof(cpus.bits), mask_of(&cpus)));
        if (r >= 0)
                r = change_all(m, pin_process, &cpus);
        return r < 0 ? failure_set_at(failure, to->from[SETTING_CPU_AFFINITY], r, "CPUAffinity=: Failed to set the CPUs of the "
                                      "processes of machine '%s': %m%s", m->name, r == -EINVAL ? " (are they online?)" : "") : 0;
}

const LiveApplier live_cpu_affinity = { never, apply_affinity, LIVE_ALL };

/* ---- OOMScoreAdjust= -------------------------------------------------------------------------------------------------- */

typedef struct Scores {
        int from, to;
} Scores;

static int read_score(int proc_fd, const char *pid, int *ret)
{
        _cleanup_free_ char *text = NULL;
        char path[NAME_MAX + 16];
        int r;

        (void) snprintf(path, sizeof(path), "%s/oom_score_adj", pid);
        r = fd_read_file_at(proc_fd, path, 64, &text, NULL);
        return r < 0 ? r : sscanf(text, "%d", ret) == 1 ? 0 : -EBADMSG;
}

/* Only those that have the machine's: programs give themselves others, which stay. */
static int score_process(int proc_fd, const char *pid, const void *argument)
{
        char path[NAME_MAX + 16], text[16];
        const Scores *s = argument;
        int now, r;

        if (read_score(proc_fd, pid, &now) < 0 || now != s->from)
                return 0;
        (void) snprintf(path, sizeof(path), "%s/oom_score_adj", pid);
        (void) snprintf(text, sizeof(text), "%d", s->to);
        r = fd_write_file_at(proc_fd, path, text);
        return r == -ENOENT || r == -ESRCH ? 0 : r < 0 ? r : 1;
}

static int score_of(const LiveMachine *m, const LiveValue *v, int *ret)
{
        char path[32];

        if (v)
                return sscanf(v->text, "%d", ret) == 1 ? 0 : -EINVAL;
        (void) snprintf(path, sizeof(path), "/proc/%d", m->state.supervisor);
        return read_score(AT_FDCWD, path, ret);
}

static int apply_score(LiveMachine *m, const LiveChange *c, Settings *to, Failure *failure)
{
        Scores s;
        int r;

        r = score_of(m, c->before, &s.from);
        if (r >= 0)
                r = score_of(m, c->after, &s.to);
        if (r >= 0 && s.from != s.to)
                r = change_all(m, score_process, &s);
        return r < 0 ? failure_set_at(failure, to->from[SETTING_OOM_SCORE_ADJUST], r, "OOMScoreAdjust=: Failed to set the score "
                                      "of the processes of machine '%s': %m", m->name) : 0;
}

const LiveApplier live_oom_score = { never, apply_score, LIVE_ALL };
