/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/macro.h"

/* Splits a list of mount options of mount(8) ("nosuid,size=10%"): flags of the mount change *attrs (MOUNT_ATTR_*), the
 * others are for the file system (NULL: none; the caller frees it). -EINVAL with *reterr_reason (static) for an option
 * that does not apply to a new file system, -ENOENT where libmount is not installed. */
int mount_options_split(const char *text, uint64_t *attrs, char **ret_fs_options, const char **reterr_reason);
