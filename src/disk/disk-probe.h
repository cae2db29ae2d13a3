/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The partition table and file systems of a disk image, by libblkid. */

#include "disk/disk-layout.h"
#include "util/failure.h"

/* Reads fd, a file or a block device open for reading; path is its name for messages. -EMEDIUMTYPE: it has no file
 * system, or signatures of several. -ENOSYS: libblkid is not installed. */
int disk_probe(int fd, const char *path, DiskFacts *ret, Failure *failure);
