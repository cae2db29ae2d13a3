/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DeviceAllow= of a unit, as a list that is changed and set as a whole. */

#include "bus/bus.h"
#include "util/unit-property.h"

typedef struct UnitDevice {
        char *name;             /* "/dev/fuse", "char-pts" */
        char *access;           /* "rwm"; NULL in a list of a unit's files: by a name with specifiers */
} UnitDevice;

typedef struct UnitDevices {
        UnitDevice *items;
        size_t n;
        bool closed;            /* DevicePolicy= restricts the unit even if the list is empty */
} UnitDevices;

void unit_devices_done(UnitDevices *l);

/* NULL: it is not in the list. */
const UnitDevice *unit_devices_find(const UnitDevices *l, const char *name);

/* Adds a device, or changes its access, as systemd does. access NULL: removes it. 0 or -ENOMEM. */
int unit_devices_put(UnitDevices *l, const char *name, const char *access);

bool unit_devices_equal(const UnitDevices *a, const UnitDevices *b);

/* Reads the text of a unit file or drop-in over the list. 0 or -ENOMEM. Pure. */
int unit_devices_parse(char *text, UnitDevices *l);

/* The list in force, and what the unit has without the changes of its properties while it runs. our_scope: box has created the
 * unit (scope.h). */
int unit_devices_read(sd_bus *bus, const char *unit, bool our_scope, UnitDevices *ret_now, UnitDevices *ret_own,
                      Failure *failure);

/* The property, which sets all of the list; an empty one resets it. -ENOMEM. */
int unit_devices_property(const UnitDevices *l, UnitProperty *ret);
