/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* All properties of a D-Bus object: as fields of a struct, or as text. */

#include "util/failure.h"
#include "util/libsystemd.h"

/* How a property is stored. */
typedef enum PropertyKind {
        PROPERTY_STRING,        /* s, o → char *, owned */
        PROPERTY_U32,           /* u → uint32_t */
        PROPERTY_I32,           /* i → int32_t */
        PROPERTY_U64,           /* t → uint64_t */
        PROPERTY_ID128,         /* ay of 16 bytes → uint8_t[16]; other lengths are skipped */
        PROPERTY_INTS,          /* ai → struct IntArray */
        PROPERTY_JOB,           /* (uo) → uint32_t, the id of a unit's job */
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

/* Reads the properties of all interfaces of the object into the fields of the struct at base; properties without a row, or of
 * another type than the row's, are skipped. Previous strings in the fields are freed. `what` completes "Failed to …". */
int bus_properties_get(sd_bus *bus, const char *destination, const char *path, const PropertyField *fields,
                       size_t n_fields, void *base, const char *what, Failure *failure);

/* The same as text: KEY=VALUE in the order of the reply. Numbers in decimal, booleans as yes and no, bytes in hexadecimal;
 * with `all` also arrays of integers, separated by blanks (machinectl leaves them out). Other types are skipped. */
int bus_properties_text(sd_bus *bus, const char *destination, const char *path, bool all, char ***ret,
                        const char *what, Failure *failure);
