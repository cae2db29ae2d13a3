/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Properties for the machine's unit: [X-Resources], and access to devices that are bound in. Pure.
 */

#include <stdio.h>
#include <sys/types.h>

#include "config/settings.h"
#include "mount/mount-plan.h"

typedef struct UnitPlan {
        const UnitPropertySetting *resources;   /* borrowed of the settings */
        size_t n_resources;
        const UnitPropertySetting *scope;       /* --property=, where a scope is made; borrowed */
        size_t n_scope;
        UnitPropertySetting *devices;           /* DeviceAllow=, for a unit that restricts devices */
        size_t n_devices;
        bool restricts_devices; /* it restricts devices in any case: it is a scope, or by the resources */
} UnitPlan;

/* -ENOMEM is the only failure. */
int unit_plan_make(const Settings *s, const BoundDevice *bound, size_t n_bound, UnitPlan *ret);
void unit_plan_done(UnitPlan *p);

/* Prints nothing if there are none. */
int unit_plan_print(const UnitPlan *p, FILE *f);
