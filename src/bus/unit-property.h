/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Properties of units in messages to systemd and machined. */

#include "util/libsystemd.h"
#include "util/unit-property.h"

/* Appends one or all to an array a(sv) that is open. */
int unit_property_append(sd_bus_message *m, const UnitProperty *p);
int unit_property_append_all(sd_bus_message *m, const UnitProperty *const *properties, size_t n);
