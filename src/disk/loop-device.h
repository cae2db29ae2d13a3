/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A loop device: a range of a file or block device as a block device. The kernel detaches it when it is neither open
 * nor mounted. */

#include <sys/types.h>

#include "util/failure.h"

#define LOOP_DEVICE_PATH_MAX 32

/* The device's descriptor, to be kept open until the device is mounted; its node's path in ret_path. backing_fd is open
 * for reading, and without read_only for writing; name is the backing file's. size 0: to its end. */
int loop_device_attach(int backing_fd, const char *name, uint64_t offset, uint64_t size, bool read_only,
                       char ret_path[static LOOP_DEVICE_PATH_MAX], Failure *failure);
