/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Devices of a running machine (see live-device.h). Runs in box-run --live, as root. */

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "bus/systemd1.h"
#include "bus/unit-devices.h"
#include "bus/unit-drop-ins.h"
#include "live/live-device.h"
#include "payload/cgroup.h"
#include "plan/device-plan.h"
#include "util/fd.h"
#include "util/strv.h"

bool live_is_device(const BindSetting *b)
{
        struct stat st;

        if (!b->source || b->in_tree)
                return false;
        if (stat(b->source, &st) < 0)
                return errno == ENOENT && strncmp(b->source, "/dev/", 5) == 0;
        return S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode);
}

static int find_bound(const Settings *s, BoundDevice **ret, size_t *ret_n)
{
        for (size_t i = 0; i < s->n_binds; i++) {
                BoundDevice d = { .path = s->binds[i].source };
                struct stat st;

                if (!live_is_device(&s->binds[i]))
                        continue;
                if (stat(d.path, &st) >= 0) {
                        d.block = S_ISBLK(st.st_mode);
                        d.device = st.st_rdev;
                }
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

static int restrict_payload(const LiveMachine *m, const UnitPlan *plan, Failure *failure)
{
        _cleanup_free_ char *unit = strndup(m->payload, (size_t) (strrchr(m->payload, '/') - m->payload));
        _cleanup_(device_policy_done) DevicePolicy policy = {};
        _cleanup_close_ int unit_fd = -EBADF, payload_fd = -EBADF;
        int r;

        if (!unit)
                return failure_set(failure, -ENOMEM, "Out of memory");
        unit_fd = open_cgroup(unit);
        payload_fd = open_cgroup(m->payload);
        if (unit_fd < 0 || payload_fd < 0)
                return failure_set(failure, unit_fd < 0 ? unit_fd : payload_fd, "Failed to open the control group of machine "
                                   "'%s': %m", m->name);
        r = device_plan_policy(plan, m->host, m->plan->oci, unit_fd, &policy);
        return r < 0 ? failure_set(failure, r, "Out of memory") : device_policy_replace(&policy, payload_fd, failure);
}

/* ---- the unit -------------------------------------------------------------------------------------------------------- */

/* Devices first, so that a DeviceAllow= of settings overrides theirs. */
enum { LISTS = 3 };

static void lists_of(const UnitPlan *p, const UnitPropertySetting *items[static LISTS], size_t n[static LISTS])
{
        items[0] = p->devices;
        n[0] = p->n_devices;
        items[1] = p->resources;
        n[1] = p->n_resources;
        items[2] = p->scope;
        n[2] = p->n_scope;
}

/* Puts the devices of the plan into the list; own: returns them to what the unit's files say. */
static int put_all(const UnitPlan *p, const UnitDevices *own, UnitDevices *l)
{
        const UnitPropertySetting *items[LISTS];
        size_t n[LISTS];
        int r = 0;

        lists_of(p, items, n);
        for (size_t i = 0; i < LISTS; i++)
                for (size_t j = 0; r >= 0 && j < n[i]; j++) {
                        const UnitProperty *property = &items[i][j].property;
                        const UnitDevice *d;

                        if (strcmp(property->key, "DeviceAllow") != 0 || property->n_values != 2)
                                continue;
                        d = own ? unit_devices_find(own, property->values[0].data) : NULL;
                        if (d && !d->access)
                                continue;
                        r = unit_devices_put(l, property->values[0].data, d ? d->access : own ? NULL : property->values[1].data);
                }
        return r;
}

static int copy(const UnitDevices *from, UnitDevices *ret)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < from->n; i++)
                r = unit_devices_put(ret, from->items[i].name, from->items[i].access);
        return r;
}

/* A list can only be added to, or begun anew: both in one call, so that no other device is refused meanwhile. Where that leaves
 * the list of the unit's files, systemd's drop-in goes, which would hide what is edited there. */
static int set_list(LiveMachine *m, const UnitDevices *own, const UnitDevices *l, Failure *failure)
{
        static const UnitDevices none = {};
        UnitProperty empty = {}, all = {};
        const UnitProperty *properties[] = { &empty, &all };
        int r;

        if (unit_devices_property(&none, &empty) < 0 || unit_devices_property(l, &all) < 0)
                return failure_set(failure, -ENOMEM, "Out of memory");
        r = live_machine_set_unit(m, "DeviceAllow", properties, l->n > 0 ? 2 : 1, failure);
        if (r >= 0 && unit_devices_equal(l, own)) {
                r = unit_drop_ins_forget("", m->state.unit, properties, 1, failure);
                if (r >= 0)
                        r = systemd1_reload(m->bus, NULL, failure);
        }
        unit_property_done(&all);
        return r;
}

static int change_unit(LiveMachine *m, const UnitPlan *was, const UnitPlan *is, Failure *failure)
{
        _cleanup_(unit_devices_done) UnitDevices now = {}, own = {}, list = {};
        int r;

        if (!m->state.unit || !*m->state.unit)
                return 0;
        r = live_machine_bus(m, failure);
        if (r >= 0)
                r = unit_devices_read(m->bus, m->state.unit, !m->before->keep_unit, &now, &own, failure);
        if (r < 0)
                return r;
        r = copy(&now, &list);
        if (r >= 0)
                r = put_all(was, &own, &list);
        /* Where the unit may use every device, a list would refuse all others. */
        if (r >= 0 && (now.closed || list.n > 0 || is->restricts_devices))
                r = put_all(is, NULL, &list);
        if (r < 0)
                return failure_set(failure, r, "Out of memory");
        return unit_devices_equal(&list, &now) ? 0 : set_list(m, &own, &list, failure);
}

int live_device_change(LiveMachine *m, const Settings *to, Failure *failure)
{
        const Settings *from = to == m->after ? m->before : m->after;
        _cleanup_(unit_plan_done) UnitPlan was = {}, is = {};
        int r;

        if (make_unit_plan(from, &was) < 0 || make_unit_plan(to, &is) < 0)
                return failure_set(failure, -ENOMEM, "Out of memory");
        r = change_unit(m, &was, &is, failure);
        if (r < 0)
                return r;
        r = restrict_payload(m, &is, failure);
        if (r < 0)
                (void) change_unit(m, &is, &was, NULL);
        return r;
}
