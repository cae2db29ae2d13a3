/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/macro.h"

/* Takes a list of mount options as mount(8) has it ("nosuid,size=10%") apart: attributes of the mount (MOUNT_ATTR_*, set
 * and cleared, added to what is there) and what is left for the file system itself (NULL: nothing; to be freed). -EINVAL
 * with *reterr_reason (static) for one that cannot be had at this place, -ENOENT where libmount is not installed. */
int mount_options_split(const char *text, uint64_t *attrs, char **ret_fs_options, const char **reterr_reason);
