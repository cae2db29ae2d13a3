/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Settings of systemd-nspawn that box knows only by name (see values.h). boxctl and the supervisor, before anything is changed;
 * no privilege.
 */

#include <string.h>

#include "config/values.h"
#include "util/parse.h"

/* Does it ask for what a machine has anyway? */
static bool is_off(const char *text)
{
        bool on;

        return !*text || (parse_bool(text, &on) >= 0 && !on);
}

int value_refused(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        return is_off(text) ? 0 : value_refuse(reterr_reason, "%s", row->help);
}
