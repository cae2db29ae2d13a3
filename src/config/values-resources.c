/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * [X-Resources] and --property= (see values.h). util/unit-property.h parses the values. boxctl and the supervisor; no
 * privilege.
 */

#include <string.h>

#include "config/values.h"
#include "util/strv.h"

/* Removes assignments to key, except for the last `keep` of the list. */
static void properties_clear(UnitPropertySetting *list, size_t *n, const char *key, size_t keep)
{
        size_t kept = 0, end = *n - keep;

        for (size_t i = 0; i < *n; i++)
                if (i < end && strcmp(list[i].property.key, key) == 0)
                        unit_property_setting_done(&list[i]);
                else
                        list[kept++] = list[i];
        *n = kept;
}

/* Adds KEY=text to a list; unless `adds`, it replaces earlier values of the key. */
static int property_set(UnitPropertyScope scope, const char *key, const char *text, bool adds, Source from,
                        UnitPropertySetting **list, size_t *n, char *reterr_reason)
{
        UnitPropertySetting *item, p = { .from = from };
        Failure failure = {};
        int r;

        if (!*text) {
                properties_clear(*list, n, key, 0);
                return 0;
        }
        r = unit_property_parse(scope, key, text, &p.property, &failure);
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                return value_refuse(reterr_reason, "%.*s", SETTING_REASON_MAX - 1, failure.text);

        p.text = strdup(text);
        item = p.text ? array_append(list, n, sizeof(UnitPropertySetting)) : NULL;
        if (!item) {
                unit_property_setting_done(&p);
                return -ENOMEM;
        }
        *item = p;
        if (!adds)
                properties_clear(*list, n, key, 1);
        return 0;
}

int value_resource(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        return property_set(UNIT_RESOURCES, row->key, text, row->flags & SETTING_LIST, from, &s->resources,
                            &s->n_resources, reterr_reason);
}

/* Settings of systemd.resource-control(5) that cannot be changed for a running unit. */
int value_unit_only_key(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        static const struct { const char *key, *where; } elsewhere[] = {
                { "Slice", "set it in a drop-in of box@NAME.service; if started by hand, use --slice=" },
                { "Delegate", "the unit always delegates its cgroup to the machine" },
                { "DelegateSubgroup", "the unit sets it for the supervisor" },
                { "DisableControllers", "set it in a drop-in of a slice" },
                { "DefaultMemoryMin", "set it in a drop-in of a slice" },
                { "DefaultMemoryLow", "set it in a drop-in of a slice" },
        };

        if (!*text)
                return 0;
        for (size_t i = 0; i < ARRAY_SIZE(elsewhere); i++)
                if (strcmp(elsewhere[i].key, row->key) == 0)
                        return value_refuse(reterr_reason, "%s", elsewhere[i].where);
        return value_refuse(reterr_reason, "cannot be set here");
}

/* "KEY=VALUE" of any property. Each is passed on separately: systemd knows which properties are lists. */
static int any_property_set(UnitPropertyScope scope, const char *text, Source from, UnitPropertySetting **list, size_t *n,
                            char *reterr_reason)
{
        const char *equals = strchr(text, '=');
        _cleanup_free_ char *key = NULL;

        if (!equals)
                return value_refuse(reterr_reason, "not NAME=VALUE");
        key = strndup(text, (size_t) (equals - text));
        if (!key)
                return -ENOMEM;
        if (!unit_property_is_name(key))
                return value_refuse(reterr_reason, "not the name of a unit property");
        return property_set(scope, key, equals + 1, /* adds= */ true, from, list, n, reterr_reason);
}

/* A key of [X-Resources] that only the host's systemd may know (SETTING_OTHER_RESOURCE). */
int value_other_resource(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        return *text ? any_property_set(UNIT_RESOURCES, text, from, &s->resources, &s->n_resources, reterr_reason) : 0;
}

int value_property(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        if (*text)
                return any_property_set(UNIT_ANY, text, from, &s->scope_properties, &s->n_scope_properties, reterr_reason);
        while (s->n_scope_properties > 0)
                unit_property_setting_done(&s->scope_properties[--s->n_scope_properties]);
        return 0;
}
