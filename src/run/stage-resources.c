/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What systemd is told of the machine's unit: [X-Resources], and the devices that are bound in. A unit that we run in is
 * told at once, while the rest of the start goes on, and the answers are awaited before the payload runs; a scope is made
 * with it (stage-register.c). The supervisor, as root of the host. Where nothing is to be told, nothing is done.
 */

#include <stdio.h>
#include <string.h>

#include "bus/bus.h"
#include "bus/systemd1.h"
#include "run/stage.h"
#include "util/log.h"

/* The unit that we are in; its cgroup's name has one "_" in front where the kernel has a use for the bare one. */
static const char *own_unit(const Machine *m)
{
        const char *name = strrchr(m->cgroup.unit_path, '/') + 1;

        return name[0] == '_' ? name + 1 : name;
}

/* By key, those of one key in the order that they come in: systemd makes a file for each, and finds that its unit has
 * changed on disk where it has not made them in the order of their names. */
static void add(Machine *m, const UnitPropertySetting *items, size_t n)
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

/* Devices first: a DeviceAllow= that was written for one has the last word about it. */
static int gather(Machine *m, bool devices)
{
        const UnitPlan *p = &m->plan.unit;
        size_t n = p->n_devices + p->n_resources + p->n_scope;

        m->unit.properties = calloc(n, sizeof(UnitProperty *));
        m->unit.from = calloc(n, sizeof(Source));
        if (!m->unit.properties || !m->unit.from)
                return -ENOMEM;
        if (devices)
                add(m, p->devices, p->n_devices);
        add(m, p->resources, p->n_resources);
        add(m, p->scope, p->n_scope);
        return 0;
}

static int need_bus(Machine *m, Failure *failure)
{
        Failure why = {};
        int r = machine_open_bus(m, &why);

        return r < 0 ? failure_set(failure, r, "%s; [X-Resources] is set by systemd", why.text) : 0;
}

/* Does a bound device need to be allowed? A unit that may use all of them would be left with that one. */
static int devices_are_restricted(Machine *m, bool *ret, Failure *failure)
{
        *ret = true;
        if (m->plan.unit.restricts_devices)
                return 0;
        if (machine_open_bus(m, NULL) < 0) {
                *ret = false;           /* no systemd that could restrict them */
                return 0;
        }
        return systemd1_unit_restricts_devices(m->registration.bus, &m->wait, own_unit(m), ret, failure);
}

static int change_own_unit(Machine *m, Failure *failure)
{
        int r;

        if (m->unit.n == 0)
                return 0;
        r = need_bus(m, failure);
        if (r >= 0)
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
                if (r > 0)
                        r = machine_open_bus(m, failure);
                if (r > 0)
                        r = systemd1_reload(m->registration.bus, &m->wait, failure);
                if (r < 0)
                        return r;
        }
        if (m->settings.keep_unit && m->settings.n_scope_properties > 0)
                log_notice(0, "--property= has no effect on machine '%s': with --keep-unit no scope is made", m->name);
        if (p->n_devices + p->n_resources + p->n_scope == 0)
                return 0;

        if (p->n_devices > 0) {
                r = devices_are_restricted(m, &devices, failure);
                if (r < 0)
                        return r;
        }
        r = gather(m, devices);
        if (r < 0)
                return r;
        return m->settings.keep_unit ? change_own_unit(m, failure) : 0;
}

int stage_resources_wait_up(Machine *m, Failure *failure)
{
        Failure why = {};
        char source[SOURCE_TEXT_MAX];
        size_t refused = m->unit.n;
        int r;

        if (!m->unit.change)
                return 0;
        r = unit_change_finish(m->unit.change, &m->wait, &refused, &why);
        if (r >= 0)
                return 0;
        if (refused == m->unit.n)
                return failure_set(failure, r, "%s", why.text);
        return failure_set(failure, r, "%s: %s=: systemd refuses it for %s: %s",
                           source_text(m->unit.from[refused], source), m->unit.properties[refused]->key,
                           own_unit(m), why.text);
}

/* The same where a scope was refused: which property it was can only be read out of the message. */
int resources_failure(const Machine *m, const Failure *why, Failure *failure)
{
        size_t n = m->settings.keep_unit ? 0 : m->unit.n;
        size_t i = unit_property_find_in_text(m->unit.properties, n, why->text);
        char source[SOURCE_TEXT_MAX];

        if (i == n && n == 1 && why->error == -EINVAL)
                i = 0;
        if (i == n)
                return failure_set(failure, why->error, "%s", why->text);
        return failure_set(failure, why->error, "%s: %s=: %s", source_text(m->unit.from[i], source),
                           m->unit.properties[i]->key, why->text);
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
