/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Ids in the values of extended attributes: those of users and groups in ACLs, that of the root user of file capabilities. */

#include "util/macro.h"

/* Replaces them by those of the copy, as `map` (tree-copy.h) says; NULL: they stay. `root` is the copy's root user. The value may
 * become shorter, or four bytes longer. 0; 1: the attribute is of users that the copy does not have, and is to be left out;
 * negative errno: of map, or -EBADMSG for a damaged value. Other attributes stay as they are. Pure. */
int tree_attribute_map(const char *name, char *value, size_t *size, uint32_t root,
                       int (*map)(void *userdata, bool group, uint32_t id, uint32_t *ret), void *userdata);

/* Does the attribute give rights to whom runs the file, or mean something to the kernel of the host? */
bool tree_attribute_is_privileged(const char *name);
