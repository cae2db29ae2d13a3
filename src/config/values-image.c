/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Where a machine's tree is when it is no directory (see values.h). Only the texts are judged here: whether an image holds
 * what its policy wants is the planner's question. Runs wherever settings are read; no privilege.
 */

#include "config/values.h"

int value_image_policy(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        ImagePolicy policy;
        int r;

        if (!*text) {
                image_policy_default(&s->image_policy);
                return 0;
        }

        r = image_policy_parse(text, &policy, reterr_reason);
        if (r < 0)
                return r;
        s->image_policy = policy;
        return 0;
}

/* Who gives a root hash wants nothing but what it vouches for to run. */
int value_verity(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        return *text ? value_refuse(reterr_reason, "dm-verity is not supported by box") : 0;
}
