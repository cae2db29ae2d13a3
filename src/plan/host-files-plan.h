/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The host's name resolution and time zone for a machine: ResolvConf= and Timezone=. Pure. */

#include "config/problem.h"
#include "mount/mount-plan.h"
#include "mount/tree-edit.h"
#include "plan/host-files.h"

/* Adds mounts and edits. private_network: no default for ResolvConf= then. -ENOMEM or 0; warns if a setting needs a
 * file of the host that is missing. */
int host_files_plan_make(const Settings *s, const HostFiles *f, bool private_network, MountPlan *mounts, TreeEdits *edits,
                       Problems *problems);
