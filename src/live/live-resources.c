/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * [X-Resources] of a running machine: properties of its unit, set by systemd as at a start. The drop-ins that systemd writes for
 * them end with the machine (bus/unit-drop-ins.h). Runs in box-run --live, as root.
 */

#include <string.h>

#include "bus/systemd1.h"
#include "bus/unit-drop-ins.h"
#include "live/live-device.h"
#include "live/live-machine.h"

static bool is_scope(const LiveMachine *m)
{
        const char *dot = strrchr(m->state.unit, '.');

        return dot && strcmp(dot, ".scope") == 0;
}

static const char *why_not(LiveMachine *m, const LiveChange *c)
{
        char key[LIVE_NAME_MAX];

        if (!m->state.unit || !*m->state.unit)
                return "the machine has no unit whose properties systemd could set";
        if (unit_property_is_for_new_units(live_change_name(c, key)))
                return "systemd gives it to a unit only when it creates it";
        if (!c->after && is_scope(m))
                return "a scope keeps what it was created with";
        return NULL;
}

/* A property that is not in the table. */
static int ask_type(LiveMachine *m, UnitPropertySetting *s, Failure *failure)
{
        _cleanup_free_ char *type = NULL;
        int r = 0;

        if (!s->property.type)
                r = systemd1_property_type(m->bus, NULL, s->property.read_name, /* any= */ false, &type, failure);
        return r > 0 ? unit_property_set_type(&s->property, type, s->text, failure) : r;
}

/* All values of the key. 0, or negative; the caller frees *ret. */
static int collect(LiveMachine *m, const char *key, Settings *to, const UnitProperty ***ret, size_t *ret_n, Failure *failure)
{
        const UnitProperty **list = calloc(to->n_resources + 1, sizeof(*list));
        int r = list ? 0 : failure_set(failure, -ENOMEM, "Out of memory");
        size_t n = 0;

        for (size_t i = 0; r >= 0 && i < to->n_resources; i++)
                if (strcmp(to->resources[i].property.key, key) == 0) {
                        r = ask_type(m, &to->resources[i], failure);
                        list[n++] = &to->resources[i].property;
                }
        if (r < 0) {
                free(list);
                return r;
        }
        *ret = list;
        *ret_n = n;
        return 0;
}

/* The unit's own value returns, from its files. */
static int forget(LiveMachine *m, const UnitProperty *const *properties, size_t n, Failure *failure)
{
        int r = unit_drop_ins_forget("", m->state.unit, properties, n, failure);

        return r < 0 ? r : systemd1_reload(m->bus, NULL, failure);
}

/* Assigning a list adds to it. */
static bool adds(const UnitProperty *p)
{
        return p->type && p->type[0] == 'a' && strcmp(p->type, "ay") != 0;
}

static int apply(LiveMachine *m, const LiveChange *c, Settings *to, Failure *failure)
{
        _cleanup_free_ const UnitProperty **of_before = NULL, **of_after = NULL;
        size_t n_before = 0, n_after = 0;
        char key[LIVE_NAME_MAX];
        int r;

        (void) live_change_name(c, key);
        if (strcmp(key, "DeviceAllow") == 0)
                return live_device_change(m, to, failure);
        r = live_machine_bus(m, failure);
        if (r >= 0)
                r = collect(m, key, to, &of_after, &n_after, failure);
        if (r >= 0)
                r = collect(m, key, to == m->after ? m->before : m->after, &of_before, &n_before, failure);
        if (r >= 0 && n_before > 0 && (n_after == 0 || adds(of_before[0])))
                r = forget(m, of_before, n_before, failure);
        if (r < 0 || n_after == 0)
                return r;
        r = live_machine_set_unit(m, key, of_after, n_after, failure);
        if (r < 0 && n_before > 0 && adds(of_before[0]))
                (void) live_machine_set_unit(m, key, of_before, n_before, NULL);
        return r;
}

const LiveApplier live_resources = { why_not, apply, LIVE_SETTING };
