/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Requests of a file system's superblock to the host that mounts it, beyond its own blocks: other block devices, which the kernel
 * would open for it, and mount options. A machine's image may ask for neither.
 */

#include <stdint.h>

/* fstype is blkid's; the file system begins at offset of fd. *ret is static text ("another block device"), NULL for nothing.
 * 0 or negative errno. */
int disk_superblock_asks(int fd, uint64_t offset, const char *fstype, const char **ret);
