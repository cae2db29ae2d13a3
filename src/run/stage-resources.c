/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Properties of the machine's unit: [X-Resources], and DeviceAllow= for bound devices. Our own unit is changed while the start
 * goes on, and the replies are awaited before the payload runs; a scope is created with them (stage-register.c). The
 * supervisor, as root of the host.
 */

#include <stdio.h>
#include <string.h>

#include "bus/bus.h"
#include "bus/systemd1.h"
#include "config/settings-table.h"
#include "plan/device-plan.h"
#include "run/report.h"
#include "run/stage.h"
#include "users/user-namespace.h"
#include "util/log.h"

/* Our own unit. Its cgroup's name begins with "_" if the kernel reserves the unit's name. */
static const char *own_unit(const Machine *m)
{
        const char *name = strrchr(m->cgroup.unit_path, '/') + 1;

        return name[0] == '_' ? name + 1 : name;
}

static int ask_type(Machine *m, UnitPropertySetting *s, bool any, Problems *problems)
{
        const char *key = s->property.key, *nearest = settings_table_nearest_key("X-Resources", key);
        const BusWait *wait = m->loop.is_open ? &m->wait : NULL;        /* NULL: a dry run */
        _cleanup_free_ char *type = NULL;
        Failure why = {};
        int r;

        r = wait ? machine_open_bus(m, &why) : machine_connect_bus(m, &why);
        if (r >= 0)
                r = systemd1_property_type(m->registration.bus, wait, s->property.read_name, any, &type, &why);
        if (r == -ENOMEM || r == -ECANCELED)
                return r;
        /* A dry run shows the rest. */
        if (r < 0)
                return wait ? problem_error(problems, s->from, "%s=: %s; unit properties are set by systemd", key, why.text) : 0;
        if (r == 0)
                return problem_error(problems, s->from, "%s=%s: the host's systemd has no such unit property%s%s%s", key, s->text,
                                     nearest ? "; did you mean " : "", nearest ?: "", nearest ? "=?" : "");
        r = unit_property_set_type(&s->property, type, s->text, &why);
        return r == -EINVAL ? problem_error(problems, s->from, "%s=%s: %s", key, s->text, why.text) : r;
}

int stage_resources_ask(Machine *m, Problems *problems)
{
        Settings *s = &m->settings;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < s->n_resources; i++)
                if (!s->resources[i].property.type)
                        r = ask_type(m, &s->resources[i], /* any= */ false, problems);
        for (size_t i = 0; r >= 0 && i < s->n_scope_properties && !s->keep_unit; i++)
                if (!s->scope_properties[i].property.type)
                        r = ask_type(m, &s->scope_properties[i], /* any= */ true, problems);
        return r;
}

int stage_resources_check(Machine *m, Problems *problems)
{
        const Settings *s = &m->settings;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < s->n_resources; i++) {
                const UnitProperty *p = &s->resources[i].property;
                _cleanup_free_ char *type = NULL;

                if (s->keep_unit && unit_property_is_for_new_units(p->key))
                        r = problem_error(problems, s->resources[i].from, "%s=: systemd gives this to a unit only when it "
                                          "creates it; set it in a drop-in of box@%s.service", p->key, m->name);
                /* The types of others were asked for. */
                else if (!p->own && machine_connect_bus(m, NULL) >= 0 &&
                         systemd1_property_type(m->registration.bus, NULL, p->read_name, false, &type, NULL) == 0)
                        r = problem_error(problems, s->resources[i].from, "%s=: the host's systemd has no such unit property",
                                          p->key);
        }
        return r;
}

/* Inserts sorted by key, equal keys in their order: systemd writes a file for each, and if it does not write them in the order of
 * their names, it takes the unit for changed on disk. */
static void insert_properties(Machine *m, const UnitPropertySetting *items, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                size_t at = m->unit.n++;

                for (; at > 0 && strcmp(m->unit.properties[at - 1]->key, items[i].property.key) > 0; at--) {
                        m->unit.properties[at] = m->unit.properties[at - 1];
                        m->unit.from[at] = m->unit.from[at - 1];
                }
                m->unit.properties[at] = &items[i].property;
                m->unit.from[at] = items[i].from;
        }
}

/* Devices first, so that a DeviceAllow= of settings overrides theirs. */
static int collect_properties(Machine *m, bool devices)
{
        const UnitPlan *p = &m->plan.unit;
        size_t n = p->n_devices + p->n_resources + p->n_scope;

        m->unit.properties = calloc(n, sizeof(UnitProperty *));
        m->unit.from = calloc(n, sizeof(Source));
        if (!m->unit.properties || !m->unit.from)
                return -ENOMEM;
        if (devices)
                insert_properties(m, p->devices, p->n_devices);
        insert_properties(m, p->resources, p->n_resources);
        insert_properties(m, p->scope, p->n_scope);
        return 0;
}

/* Do bound devices need DeviceAllow=? In a unit that may use all devices, it would deny all others. */
static int devices_are_restricted(Machine *m, bool *ret, Failure *failure)
{
        /* Without systemd nothing restricts them. */
        *ret = m->plan.unit.restricts_devices;
        if (*ret || machine_open_bus(m, NULL) < 0)
                return 0;
        return systemd1_unit_restricts_devices(m->registration.bus, &m->wait, own_unit(m), ret, failure);
}

static int change_own_unit(Machine *m, Failure *failure)
{
        Failure why = {};
        int r;

        if (m->unit.n == 0)
                return 0;
        r = machine_open_bus(m, &why);
        if (r < 0)
                return failure_set(failure, r, "%s; [X-Resources] is set by systemd", why.text);
        r = unit_change_new(m->registration.bus, own_unit(m), m->unit.properties, m->unit.n, &m->unit.change, failure);
        return r < 0 ? r : unit_change_send(m->unit.change, &m->wait, failure);
}

int stage_resources_up(Machine *m, Failure *failure)
{
        const UnitPlan *p = &m->plan.unit;
        bool devices = false;
        int r;

        if (m->settings.keep_unit && *own_unit(m)) {
                r = unit_change_undo_left(own_unit(m), failure);
                if (r > 0 && (r = machine_open_bus(m, failure)) >= 0)
                        r = systemd1_reload(m->registration.bus, &m->wait, failure);
                if (r < 0)
                        return r;
        }
        if (m->settings.keep_unit && m->settings.n_scope_properties > 0)
                log_notice(0, "--property= has no effect on machine '%s': with --keep-unit no scope is created", m->name);
        if (p->n_devices + p->n_resources + p->n_scope == 0)
                return 0;

        r = p->n_devices > 0 ? devices_are_restricted(m, &devices, failure) : 0;
        if (r >= 0)
                r = collect_properties(m, devices);
        if (r < 0)
                return r;
        return m->settings.keep_unit ? change_own_unit(m, failure) : 0;
}

int stage_resources_restrict_devices(Machine *m, Failure *failure)
{
        _cleanup_(device_policy_done) DevicePolicy policy = {};
        Failure why = {};
        int r = device_plan_policy(&m->plan.unit, &m->facts.host, m->plan.oci, m->cgroup.unit_fd, &policy);

        if (r < 0)
                return r;
        /* The unit's policy remains. In a user namespace, the machine's or ours, only nodes that the host made work. */
        if (device_policy_attach(&policy, m->cgroup.payload_fd, &why) < 0)
                log_full(m->plan.userns || !user_namespace_is_first() ? LOG_DEBUG : LOG_WARNING, 0,
                         "%s; machine '%s' may use the devices of its unit", why.text, m->name);
        return 0;
}

int stage_resources_wait_up(Machine *m, Failure *failure)
{
        _cleanup_(problems_done) Problems refused = {};
        int r;

        if (!m->unit.change)
                return 0;
        r = unit_change_finish(m->unit.change, &m->wait, failure);
        for (size_t i = 0; r >= 0 && i < m->unit.n; i++) {
                const char *why = unit_change_refusal(m->unit.change, i);

                if (why)
                        r = problem_error(&refused, m->unit.from[i], "%s=: systemd refuses it for %s: %s",
                                          m->unit.properties[i]->key, own_unit(m), why);
        }
        return r < 0 ? r : report_problems(&refused, failure);
}

/* Which property of a scope was refused is only in the text of the message. */
int resources_failure(const Machine *m, const Failure *why, Failure *failure)
{
        size_t n = m->settings.keep_unit ? 0 : m->unit.n;
        size_t i = unit_property_find_in_text(m->unit.properties, n, why->text);

        if (i == n && n == 1 && why->error == -EINVAL)
                i = 0;
        if (i == n)
                return failure_set(failure, why->error, "%s", why->text);
        return failure_set_at(failure, m->unit.from[i], why->error, "%s=: %s", m->unit.properties[i]->key, why->text);
}

void stage_resources_down(Machine *m)
{
        Failure failure = {};

        if (m->unit.change) {
                (void) machine_open_bus(m, &failure);
                if (unit_change_undo(m->unit.change, m->registration.bus, &m->wait, &failure) < 0 || failure.error < 0)
                        log_warning(0, "%s, ignoring", failure.text);
                m->unit.change = unit_change_free(m->unit.change);
        }
        free(m->unit.properties);
        m->unit.properties = NULL;
        free(m->unit.from);
        m->unit.from = NULL;
        m->unit.n = 0;
}
