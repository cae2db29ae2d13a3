/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Shared by unit-property.c, which has the table, and unit-property-lists.c. */

#include "util/unit-property.h"

typedef struct UnitPropertyRow UnitPropertyRow;

/* Parses text and adds the values to p, which has key, names and type of the row; may change name and type. */
typedef int (*UnitPropertyParse)(const UnitPropertyRow *row, const char *text, UnitProperty *p, Failure *failure);

struct UnitPropertyRow {
        const char *key;
        const char *name;               /* NULL: as the key */
        const char *type;
        UnitPropertyParse parse;
        union {
                const char *const *words;       /* of a choice, NULL-terminated */
                const char *scale_name;         /* of a size: a percentage is possible */
                /* Parser of the second word of a device's line, "8:0 100M". */
                int (*quantity)(const char *text, uint64_t *ret);
        };
        bool unit_only;                 /* not a resource: UNIT_ANY */
        bool new_only;                  /* not for a unit that runs */
};

int unit_value_add(UnitProperty *p, char type, uint64_t number);
int unit_value_add_data(UnitProperty *p, char type, const void *data, size_t size);
int unit_value_add_text(UnitProperty *p, const char *text);

int unit_property_parse_indices(const UnitPropertyRow *row, const char *text, UnitProperty *p, Failure *failure);
int unit_property_parse_device_allow(const UnitPropertyRow *row, const char *text, UnitProperty *p, Failure *failure);
int unit_property_parse_device_quantity(const UnitPropertyRow *row, const char *text, UnitProperty *p, Failure *failure);
int unit_property_parse_addresses(const UnitPropertyRow *row, const char *text, UnitProperty *p, Failure *failure);
int unit_property_parse_path(const UnitPropertyRow *row, const char *text, UnitProperty *p, Failure *failure);
int unit_property_parse_bpf_program(const UnitPropertyRow *row, const char *text, UnitProperty *p, Failure *failure);
int unit_property_parse_bind_rule(const UnitPropertyRow *row, const char *text, UnitProperty *p, Failure *failure);
int unit_property_parse_interfaces(const UnitPropertyRow *row, const char *text, UnitProperty *p, Failure *failure);
int unit_property_parse_nft_sets(const UnitPropertyRow *row, const char *text, UnitProperty *p, Failure *failure);
int unit_property_parse_words(const UnitPropertyRow *row, const char *text, UnitProperty *p, Failure *failure);
