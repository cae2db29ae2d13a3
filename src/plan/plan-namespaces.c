/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* New and shared namespaces of a machine, and settings that conflict with them. Pure. */

#include <sched.h>

#include "plan/plan-internal.h"

const struct NamespaceName namespace_names[NAMESPACE_KINDS] = {
        { CLONE_NEWUSER, "user" }, { CLONE_NEWNS, "mount" }, { CLONE_NEWPID, "pid" }, { CLONE_NEWUTS, "uts" },
        { CLONE_NEWIPC, "ipc" }, { CLONE_NEWNET, "network" }, { CLONE_NEWCGROUP, "cgroup" }, { CLONE_NEWTIME, "time" },
};

static uint64_t shared_namespaces(const Settings *s, const EnvironmentOptions *e)
{
        if (s->share_system)
                return CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC;
        return (e->share_pid ? CLONE_NEWPID : 0U) | (e->share_uts ? CLONE_NEWUTS : 0U) |
               (e->share_ipc ? CLONE_NEWIPC : 0U) | (e->share_cgroup ? CLONE_NEWCGROUP : 0U);
}

RegisterMode plan_register_mode(const Settings *s, const EnvironmentOptions *e)
{
        /* machined would count the host's processes as the machine's. */
        return shared_namespaces(s, e) & (CLONE_NEWPID | CLONE_NEWUTS) ? REGISTER_NO : s->register_mode;
}

static int check_shared(const PlanInput *in, uint64_t shared, Problems *problems)
{
        const Settings *s = in->settings;
        SettingId id = s->boot == YES ? SETTING_BOOT : SETTING_PROCESS_TWO;

        if (settings_start_mode(s) != START_COMMAND && shared & (CLONE_NEWPID | CLONE_NEWUTS))
                return problem_error(problems, s->from[id],
                                     "An init needs its own PID and UTS namespaces, but %s shares the host's",
                                     s->share_system ? "--share-system" : "$SYSTEMD_NSPAWN_SHARE_NS_PID, _UTS or "
                                                                          "$SYSTEMD_NSPAWN_SHARE_SYSTEM");
        return 0;
}

static int check_api_vfs(const PlanInput *in, const Plan *p, Problems *problems)
{
        Source from = in->settings->from[SETTING_PRIVATE_USERS];

        if (!p->userns)
                return 0;
        if (in->host->environment.api_vfs == API_VFS_WRITABLE)
                return problem_error(problems, from, "A user namespace cannot be combined with "
                                     "$SYSTEMD_NSPAWN_API_VFS_WRITABLE=yes: only the host's root may write to "
                                     "/proc/sys and /sys");
        if (in->host->environment.api_vfs == API_VFS_NETWORK && !network_plan_is_new(&p->network))
                return problem_error(problems, from, "A user namespace and the host's network cannot be combined with "
                                     "$SYSTEMD_NSPAWN_API_VFS_WRITABLE=network: only the host's root may write to "
                                     "/proc/sys/net");
        return 0;
}

int plan_namespaces(const PlanInput *in, Plan *p, Problems *problems)
{
        uint64_t shared = shared_namespaces(in->settings, &in->host->environment);

        p->namespaces = (CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC) & ~shared;
        if (p->userns)
                p->namespaces |= CLONE_NEWUSER;
        if (network_plan_is_new(&p->network))
                p->namespaces |= CLONE_NEWNET;
        p->late_namespaces = CLONE_NEWCGROUP & ~shared;
        if (in->settings->boot_time == BOOT_TIME_ZERO)
                p->late_namespaces |= CLONE_NEWTIME;

        if (check_shared(in, shared, problems) < 0)
                return -ENOMEM;
        return check_api_vfs(in, p, problems);
}
