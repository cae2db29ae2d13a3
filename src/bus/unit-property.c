/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Appends a UnitProperty as "(sv)" to a D-Bus message (see unit-property.h), by its type string. Any process; no privilege.
 * Silent.
 */

#include <string.h>

#include "bus/unit-property.h"

typedef struct Values {
        const UnitValue *next, *end;
} Values;

/* -EINVAL: the value is not of this type, by a mistake in the table of properties. */
static int append_basic(sd_bus_message *m, char type, Values *v)
{
        const UnitValue *value = v->next;
        union {
                int b;
                int32_t i;
                uint32_t u;
                uint16_t q;
                uint64_t t;
        } number;

        if (value == v->end || value->type != type)
                return -EINVAL;
        v->next++;

        switch (type) {
        case 'y':
                return sd_bus_message_append_array(m, 'y', value->data, value->size);
        case 's':
                return sd_bus_message_append_basic(m, 's', value->data);
        case 'b':
                number.b = value->number != 0;
                break;
        case 'i':
                number.i = (int32_t) value->number;
                break;
        case 'u':
                number.u = (uint32_t) value->number;
                break;
        case 'q':
                number.q = (uint16_t) value->number;
                break;
        default:
                number.t = value->number;
        }
        return sd_bus_message_append_basic(m, type, &number);
}

/* The members of a structure: basic types, arrays of bytes, and, as the last one, an array of strings. */
static int append_members(sd_bus_message *m, const char *type, size_t n, Values *v)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < n; i++) {
                if (type[i] != 'a') {
                        r = append_basic(m, type[i], v);
                        continue;
                }
                if (type[++i] == 'y') {
                        r = append_basic(m, 'y', v);
                        continue;
                }
                r = sd_bus_message_open_container(m, 'a', "s");
                while (r >= 0 && v->next < v->end)
                        r = append_basic(m, 's', v);
                if (r >= 0)
                        r = sd_bus_message_close_container(m);
        }
        return r;
}

/* type: "(…)", of length n. */
static int append_structure(sd_bus_message *m, const char *type, size_t n, Values *v)
{
        char members[16];
        int r;

        if (n < 3 || n - 2 >= sizeof(members))
                return -EINVAL;
        memcpy(members, type + 1, n - 2);
        members[n - 2] = 0;

        r = sd_bus_message_open_container(m, 'r', members);
        if (r >= 0)
                r = append_members(m, members, n - 2, v);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_value(sd_bus_message *m, const char *type, Values *v)
{
        size_t n = strlen(type);
        int r;

        if (type[0] == '(')
                return append_structure(m, type, n, v);
        if (type[0] != 'a' || type[1] != '(')
                return append_members(m, type, n, v);

        r = sd_bus_message_open_container(m, 'a', type + 1);
        while (r >= 0 && v->next < v->end)
                r = append_structure(m, type + 1, n - 1, v);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

int unit_property_append(sd_bus_message *m, const UnitProperty *p)
{
        Values v = { p->values, p->values + p->n_values };
        int r;

        r = sd_bus_message_open_container(m, 'r', "sv");
        if (r >= 0)
                r = sd_bus_message_append_basic(m, 's', p->name);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'v', p->type);
        if (r >= 0)
                r = append_value(m, p->type, &v);
        if (r >= 0 && v.next < v.end)
                r = -EINVAL;
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

int unit_property_append_all(sd_bus_message *m, const UnitProperty *const *properties, size_t n)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < n; i++)
                r = unit_property_append(m, properties[i]);
        return r;
}
