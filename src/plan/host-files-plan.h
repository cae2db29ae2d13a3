/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a machine gets of how the host resolves names and tells the time: ResolvConf= and Timezone=. Pure. */

#include "config/problem.h"
#include "mount/mount-plan.h"
#include "mount/tree-edit.h"
#include "plan/host-files.h"

/* Adds mounts and edits. private_network: names are the machine's own business, unless the setting says otherwise. -ENOMEM
 * or 0; a file of the host that was asked for and is not there is warned of. */
int host_files_plan_make(const Settings *s, const HostFiles *f, bool private_network, MountPlan *mounts, TreeEdits *edits,
                       Problems *problems);
