/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Devices of a running machine (see live-device.h). Runs in box-run --live, as root. */

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "bus/systemd1.h"
#include "bus/unit-change.h"
#include "live/live-device.h"
#include "payload/cgroup.h"
#include "plan/device-plan.h"
#include "util/fd.h"
#include "util/strv.h"

static bool stat_device(const BindSetting *b, struct stat *st)
{
        return b->source && !b->in_tree && stat(b->source, st) >= 0 && (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode));
}

bool live_is_device(const BindSetting *b)
{
        struct stat st;

        return stat_device(b, &st);
}

static int find_bound(const Settings *s, BoundDevice **ret, size_t *ret_n)
{
        for (size_t i = 0; i < s->n_binds; i++) {
                BoundDevice d = { .path = s->binds[i].source };
                struct stat st;

                if (!stat_device(&s->binds[i], &st))
                        continue;
                d.block = S_ISBLK(st.st_mode);
                d.device = st.st_rdev;
                if (array_move(ret, ret_n, &d, sizeof(d)) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static int make_unit_plan(const Settings *s, UnitPlan *ret)
{
        _cleanup_free_ BoundDevice *bound = NULL;
        size_t n = 0;
        int r = find_bound(s, &bound, &n);

        return r < 0 ? r : unit_plan_make(s, bound, n, ret);
}

static int open_cgroup(const char *path)
{
        _cleanup_close_ int root = cgroup_root_open(NULL);

        return root < 0 ? root : RET_ERRNO(openat(root, path + strspn(path, "/"), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

int live_device_restrict(LiveMachine *m, const Settings *s, Failure *failure)
{
        _cleanup_free_ char *unit = strndup(m->payload, (size_t) (strrchr(m->payload, '/') - m->payload));
        _cleanup_(device_policy_done) DevicePolicy policy = {};
        _cleanup_(unit_plan_done) UnitPlan plan = {};
        _cleanup_close_ int unit_fd = -EBADF, payload_fd = -EBADF;
        int r;

        if (!unit || make_unit_plan(s, &plan) < 0)
                return failure_set(failure, -ENOMEM, "Out of memory");
        unit_fd = open_cgroup(unit);
        payload_fd = open_cgroup(m->payload);
        if (unit_fd < 0 || payload_fd < 0)
                return failure_set(failure, unit_fd < 0 ? unit_fd : payload_fd, "Failed to open the control group of machine "
                                   "'%s': %m", m->name);
        r = device_plan_policy(&plan, m->host, s->oci, unit_fd, &policy);
        return r < 0 ? failure_set(failure, r, "Out of memory") : device_policy_replace(&policy, payload_fd, failure);
}

/* A list, to which one more is added. Its drop-in ends with the machine, as those of [X-Resources]. */
static int allow_in_unit(LiveMachine *m, const BindSetting *b, const UnitPlan *plan, Failure *failure)
{
        const UnitProperty *property = NULL;
        UnitChange *change = NULL;
        bool restricted;
        int r;

        for (size_t i = 0; i < plan->n_devices; i++)
                if (plan->devices[i].from.line == b->from.line && plan->devices[i].from.where && b->from.where &&
                    strcmp(plan->devices[i].from.where, b->from.where) == 0)
                        property = &plan->devices[i].property;
        if (!property || !m->state.unit || !*m->state.unit)
                return 0;
        r = live_machine_bus(m, failure);
        if (r >= 0)
                r = systemd1_unit_restricts_devices(m->bus, NULL, m->state.unit, &restricted, failure);
        if (r < 0 || !restricted)
                return r;
        r = unit_change_new(m->bus, m->state.unit, &property, 1, &change, failure);
        if (r >= 0)
                r = unit_change_send(change, NULL, failure);
        if (r >= 0)
                r = unit_change_finish(change, NULL, failure);
        if (r >= 0 && unit_change_refusal(change, 0))
                r = failure_set_at(failure, b->from, -EINVAL, "DeviceAllow=%s: systemd refuses it for %s: %s", b->source,
                                   m->state.unit, unit_change_refusal(change, 0));
        unit_change_free(change);
        return r;
}

int live_device_allow(LiveMachine *m, const Settings *s, const BindSetting *b, Failure *failure)
{
        _cleanup_(unit_plan_done) UnitPlan plan = {};
        int r;

        if (make_unit_plan(s, &plan) < 0)
                return failure_set(failure, -ENOMEM, "Out of memory");
        r = allow_in_unit(m, b, &plan, failure);
        return r < 0 ? r : live_device_restrict(m, s, failure);
}
