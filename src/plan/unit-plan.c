/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Properties of the machine's unit that a start sets (see unit-plan.h). Pure, except for the stream it prints to. */

#include <string.h>
#include <sys/sysmacros.h>

#include "plan/unit-plan.h"
#include "util/print.h"
#include "util/strv.h"

/* As systemd names devices: a node in /dev by its path, others by number. */
static char *device_name(const BoundDevice *d)
{
        char *name;

        if (strncmp(d->path, "/dev/", 5) == 0 && !strpbrk(d->path, " \t"))
                return strdup(d->path);
        return strf(&name, "/dev/%s/%u:%u", d->block ? "block" : "char", major(d->device), minor(d->device)) < 0 ?
                NULL : name;
}

static int allow_device(const BoundDevice *d, const BindSetting *b, UnitPlan *p)
{
        _cleanup_free_ char *name = device_name(d);
        UnitPropertySetting *item = name ? array_append(&p->devices, &p->n_devices, sizeof(UnitPropertySetting)) : NULL;

        if (!item)
                return -ENOMEM;
        item->from = b->from;
        return unit_property_device_allow(name, !b->read_only, &item->property);
}

static const BoundDevice *find_device(const BoundDevice *bound, size_t n, const char *path)
{
        for (size_t i = 0; i < n; i++)
                if (strcmp(bound[i].path, path) == 0)
                        return &bound[i];
        return NULL;
}

/* A policy of "auto" allows everything until the first DeviceAllow=. */
static bool restricts_devices(const Settings *s)
{
        for (size_t i = 0; i < s->n_resources; i++) {
                const UnitProperty *p = &s->resources[i].property;

                if (strcmp(p->key, "DeviceAllow") == 0 ||
                    (strcmp(p->key, "DevicePolicy") == 0 && strcmp(p->values[0].data, "auto") != 0))
                        return true;
        }
        return false;
}

int unit_plan_make(const Settings *s, const BoundDevice *bound, size_t n_bound, UnitPlan *ret)
{
        UnitPlan p = {
                .resources = s->resources,
                .n_resources = s->n_resources,
                .scope = s->scope_properties,
                .n_scope = s->keep_unit ? 0 : s->n_scope_properties,
                .restricts_devices = restricts_devices(s) || !s->keep_unit,
        };

        for (size_t i = 0; i < s->n_binds; i++) {
                const BindSetting *b = &s->binds[i];
                const BoundDevice *d = b->source && !b->in_tree ? find_device(bound, n_bound, b->source) : NULL;

                if (d && allow_device(d, b, &p) < 0) {
                        unit_plan_done(&p);
                        return -ENOMEM;
                }
        }

        *ret = p;
        return 0;
}

void unit_plan_done(UnitPlan *p)
{
        for (size_t i = 0; i < p->n_devices; i++)
                unit_property_setting_done(&p->devices[i]);
        free(p->devices);
        *p = (UnitPlan) {};
}

static int print_properties(const UnitPropertySetting *items, size_t n, const char *when, FILE *f)
{
        char source[SOURCE_TEXT_MAX];

        for (size_t i = 0; i < n; i++) {
                _cleanup_free_ char *text = unit_property_text(&items[i].property);
                bool typed = items[i].property.type;

                if (!text)
                        return -ENOMEM;
                fprintf(f, "  %s%s%s%s [%s]\n", text, typed ? "" : "=", typed ? "" : items[i].text, when,
                        source_text(items[i].from, source));
        }
        return 0;
}

int unit_plan_print(const UnitPlan *p, FILE *f)
{
        int r;

        if (p->n_resources + p->n_devices + p->n_scope == 0)
                return 0;
        fputs("unit:\n", f);
        r = print_properties(p->resources, p->n_resources, "", f);
        if (r >= 0)
                r = print_properties(p->scope, p->n_scope, "", f);
        return r < 0 ? r : print_properties(p->devices, p->n_devices,
                                            p->restricts_devices ? "" : ", unless the unit may use every device", f);
}
