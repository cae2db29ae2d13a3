/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who wrote what for a setting, once layers have been applied. */

#include "config/layers.h"
#include "config/values-print.h"

/* All that was written for a setting, in the order in which it counts. */
typedef struct Written {
        const Assignment *assignment;
        bool in_force;          /* not where it was not heeded, another took its place, or the list was cleared after it */
} Written;

/* *ret is to be freed. 0 or -ENOMEM. */
int layers_written(const Layers *l, SettingId id, Written **ret, size_t *ret_n);

/* The values of a setting in force as value_print() gives them, each with the place that it was written in: of a list, whose
 * elements do not all know it, by who added it. */
int layers_print(const Layers *l, const SettingRow *row, const Settings *s, ValueTexts *ret);
