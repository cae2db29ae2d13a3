/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Settings of disk images (see values.h). Only the syntax is checked; the planner compares the image with its policy.
 * boxctl and the supervisor; no privilege.
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

/* A root hash demands verification; ignoring it would run unverified data. */
int value_verity(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        return *text ? value_refuse(reterr_reason, "dm-verity is not supported") : 0;
}
