/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Properties of a D-Bus object, read all at once into the fields of a struct. */

#include <systemd/sd-bus.h>

#include "util/failure.h"

/* How a property is stored. */
typedef enum PropertyKind {
        PROPERTY_STRING,        /* s, o → char *, owned */
        PROPERTY_U32,           /* u → uint32_t */
        PROPERTY_I32,           /* i → int32_t */
        PROPERTY_U64,           /* t → uint64_t */
        PROPERTY_ID128,         /* ay of 16 bytes → uint8_t[16]; any other length leaves it as it is */
        PROPERTY_INTS,          /* ai → struct IntArray */
        PROPERTY_JOB,           /* (uo) → uint32_t, the number of a unit's job */
} PropertyKind;

typedef struct IntArray {
        int *values;
        size_t n;
} IntArray;

typedef struct PropertyField {
        const char *name;
        PropertyKind kind;
        size_t offset;
} PropertyField;

/* Properties.GetAll of every interface of the object; what fields has no row for, or has another type than its row
 * says, is skipped. Strings that were there before are freed. */
int bus_properties_get(sd_bus *bus, const char *destination, const char *path, const PropertyField *fields,
                       size_t n_fields, void *base, const char *what, Failure *failure);

/* The same as text: KEY=VALUE in the order of the reply. Numbers in decimal, booleans as yes and no, bytes in
 * hexadecimal, lists with blanks between; what has another type is left out. An array of numbers is only there with
 * all (machinectl shows none). */
int bus_properties_text(sd_bus *bus, const char *destination, const char *path, bool all, char ***ret,
                        const char *what, Failure *failure);
