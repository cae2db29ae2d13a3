/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Properties of the machine's unit as JSON (see plan-json.h). Pure. */

#include "plan/plan-json-internal.h"
#include "plan/source-json.h"

static void put_properties(Json *w, const UnitPropertySetting *items, size_t n, const char *when)
{
        for (size_t i = 0; i < n; i++) {
                _cleanup_free_ char *value = unit_property_text(&items[i].property);

                json_begin_object(w, NULL);
                json_put_string(w, "key", items[i].property.key);
                json_put_string(w, "property", value);
                if (when)
                        json_put_string(w, "when", when);
                source_to_json(w, "from", items[i].from);
                json_end(w);
        }
}

void unit_plan_to_json(Json *w, const char *key, const UnitPlan *p)
{
        json_begin_array(w, key);
        put_properties(w, p->resources, p->n_resources, NULL);
        put_properties(w, p->scope, p->n_scope, NULL);
        put_properties(w, p->devices, p->n_devices, p->restricts_devices ? NULL : "devices are restricted");
        json_end(w);
}
