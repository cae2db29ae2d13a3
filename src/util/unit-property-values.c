/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The values of a unit property: numbers, texts, bytes (see unit-property-values.h). Pure. */

#include <string.h>

#include "util/strv.h"
#include "util/unit-property-values.h"

int unit_value_add(UnitProperty *p, char type, uint64_t number)
{
        UnitValue v = { .type = type, .number = number };

        return array_move(&p->values, &p->n_values, &v, sizeof(v));
}

int unit_value_add_data(UnitProperty *p, char type, const void *data, size_t size)
{
        _cleanup_free_ char *copy = malloc(size + 1);
        UnitValue *v = copy ? array_append(&p->values, &p->n_values, sizeof(UnitValue)) : NULL;

        if (!v)
                return -ENOMEM;
        memcpy(copy, data, size);
        copy[size] = 0;
        *v = (UnitValue) { .type = type, .data = TAKE_PTR(copy), .size = size };
        return 0;
}

int unit_value_add_text(UnitProperty *p, const char *text)
{
        return unit_value_add_data(p, 's', text, strlen(text));
}
