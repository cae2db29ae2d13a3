/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is on a disk image: its partition table, and the file systems in it, as libblkid tells them. */

#include "disk/disk-layout.h"
#include "util/failure.h"

/* Reads fd, a file or a block device open for reading; path is what messages call it. -EMEDIUMTYPE: there is nothing on
 * it that could be mounted, or more than one thing at the same place. -ENOSYS: libblkid is not installed. */
int disk_probe(int fd, const char *path, DiskFacts *ret, Failure *failure);
