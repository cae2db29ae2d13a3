/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Properties of systemd's units, from unit file texts to D-Bus values: "CPUQuota=50%" is the property
 * CPUQuotaPerSecUSec, a D-Bus "t" of 500000. bus/unit-property.h puts them into messages.
 */

#include "util/failure.h"

/* One basic value. Arrays and structures are the sequence of theirs. */
typedef struct UnitValue {
        char type;              /* of D-Bus: b i u q t s; y: an array of bytes */
        uint64_t number;        /* b i u q t */
        void *data;             /* s: NUL-terminated; y */
        size_t size;            /* y */
} UnitValue;

typedef struct UnitProperty {
        const char *key;        /* in unit files: "CPUQuota" */
        const char *name;       /* to set it by: "CPUQuotaPerSecUSec"; "MemoryMaxScale" for a percentage */
        const char *read_name;  /* to read it by: "MemoryMax" for both */
        const char *type;       /* of D-Bus: "t", "a(ss)" …; NULL: not known yet, see unit_property_set_type() */
        UnitValue *values;
        size_t n_values;
        char **own;             /* names and type, of a property that is not in the table */
} UnitProperty;

void unit_property_done(UnitProperty *p);

typedef enum UnitPropertyScope {
        UNIT_RESOURCES,         /* those of systemd.resource-control(5) that a running unit can be given */
        UNIT_ANY,               /* also those for the creation of a scope */
} UnitPropertyScope;

/* Parses KEY=text; text is not empty. A property that is not in the table has names, but neither type nor values: the host's
 * systemd may be newer than the table. -EINVAL with a reason that follows "KEY=TEXT: "; -ENOMEM. */
int unit_property_parse(UnitPropertyScope scope, const char *key, const char *text, UnitProperty *ret, Failure *failure);

/* Does systemd give the property only to a unit that it creates, and not to one that runs? As far as the table knows. */
bool unit_property_is_for_new_units(const char *key);

/* Could a property have this name? */
bool unit_property_is_name(const char *key);

/* The type that the host's systemd has for p->read_name, and the value of text. -EINVAL as above, also for a type whose values
 * have no simple text; -ENOMEM. */
int unit_property_set_type(UnitProperty *p, const char *type, const char *text, Failure *failure);

/* DeviceAllow=PATH rw, or r. -ENOMEM. */
int unit_property_device_allow(const char *path, bool writable, UnitProperty *ret);

/* "CPUQuotaPerSecUSec t 500000", as busctl(1) would write it; the name alone, if the type is not known. NULL without memory. */
char *unit_property_text(const UnitProperty *p);

/* Index of the property whose name is in text, a message of systemd's; n if there is none. */
size_t unit_property_find_in_text(const UnitProperty *const *properties, size_t n, const char *text);
