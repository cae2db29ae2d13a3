/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Properties of systemd's units, as unit files write them and as systemd's bus takes them: "CPUQuota=50%" is the property
 * CPUQuotaPerSecUSec, a D-Bus "t" of 500000. Here is what each text means; nothing is known of a bus (bus/unit-property.h
 * puts them into messages).
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
        const char *type;       /* of D-Bus: "t", "a(ss)" … */
        UnitValue *values;
        size_t n_values;
} UnitProperty;

void unit_property_done(UnitProperty *p);

typedef enum UnitPropertyScope {
        UNIT_RESOURCES,         /* those of systemd.resource-control(5) that a unit which runs can be given */
        UNIT_ANY,               /* what a scope can be made with as well */
} UnitPropertyScope;

/* What KEY=text says, text not being empty. -EINVAL with a reason that can stand behind "KEY=TEXT: "; -ENOENT where there
 * is no such key; -ENOMEM. */
int unit_property_parse(UnitPropertyScope scope, const char *key, const char *text, UnitProperty *ret, Failure *failure);

/* DeviceAllow=PATH rw, or r. -ENOMEM. */
int unit_property_device_allow(const char *path, bool writable, UnitProperty *ret);

/* "CPUQuotaPerSecUSec t 500000", as busctl(1) would write it. NULL without memory. */
char *unit_property_text(const UnitProperty *p);

/* Which of n properties a message of systemd speaks of, by their names; n where none. */
size_t unit_property_find_in_text(const UnitProperty *const *properties, size_t n, const char *text);
