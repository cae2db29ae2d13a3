/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The source that assigned each value of a setting, once the sources have been applied. */

#include "config/settings-source.h"
#include "config/values-print.h"

/* One assignment to a setting. */
typedef struct AssignmentRef {
        const Assignment *assignment;
        bool in_force;          /* applied, and neither replaced nor cleared by a later one */
} AssignmentRef;

/* All assignments to a setting, lowest priority first. *ret is to be freed. 0 or -ENOMEM. */
int setting_assignments(const SettingsSources *sources, SettingId id, AssignmentRef **ret, size_t *ret_n);

/* The values of a setting in force as value_print() gives them. Each element of a list is attributed to the source that
 * added it. */
int settings_sources_print(const SettingsSources *sources, const SettingRow *row, const Settings *s, ValueTexts *ret);
