/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "live/live-settings.h"

/* One change: a value of a list that is gone or is new, or another value of a setting that has one. */
typedef struct LiveChange {
        const SettingRow *row;
        const LiveValue *before, *after;        /* borrowed; NULL: none, so the default */
} LiveChange;

/* All changes, in the order of the table; of a list, what is gone comes first. The order of a list's values does not count. *ret
 * is to be freed. 0 or -ENOMEM. */
int live_compare(const LiveSettings *before, const LiveSettings *after, LiveChange **ret, size_t *ret_n);

/* The settings once only the changes with done[i] are: what is in force then. 0 or -ENOMEM. */
int live_merge(const LiveSettings *before, const LiveSettings *after, const LiveChange *changes, const bool *done, size_t n,
               LiveSettings *ret);

/* "Bind" or, of a key that the table does not have, the name in the value; "--slice" without a key. In buf. */
#define LIVE_NAME_MAX 128
const char *live_change_name(const LiveChange *c, char buf[static LIVE_NAME_MAX]);
