/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Loop devices (see loop-device.h). The supervisor, as root of the host. One device for each partition, by its offset:
 * nodes for a loop device's partitions would come from udev, late or not at all.
 */

#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "disk/loop-device.h"
#include "util/fd.h"

/* Each retry means that another program took the free device first. */
enum { LOOP_RETRIES = 64 };

static int open_free(int control_fd, bool read_only, char path[static LOOP_DEVICE_PATH_MAX])
{
        int number = ioctl(control_fd, LOOP_CTL_GET_FREE);

        if (number < 0)
                return -errno;
        (void) snprintf(path, LOOP_DEVICE_PATH_MAX, "/dev/loop%d", number);
        return RET_ERRNO(open(path, (read_only ? O_RDONLY : O_RDWR) | O_NOCTTY | O_CLOEXEC));
}

static int attach_failure(int r, const char *path, const char *name, Failure *failure)
{
        const char *hint = r == -EPERM ? " (does the unit's DeviceAllow= name loop devices?)" : "";

        if (*path)
                return failure_set(failure, r, "Failed to set up the loop device %s for %s: %m%s", path, name, hint);
        return failure_set(failure, r, "Failed to get a loop device for %s: %m%s", name, hint);
}

int loop_device_attach(int backing_fd, const char *name, uint64_t offset, uint64_t size, bool read_only,
                       char ret_path[static LOOP_DEVICE_PATH_MAX], Failure *failure)
{
        struct loop_config config = {
                .fd = (uint32_t) backing_fd,
                .block_size = 512,
                .info = {
                        .lo_offset = offset,
                        .lo_sizelimit = size,
                        /* Direct: not cached twice. The kernel ignores it where the file system does not support it. */
                        .lo_flags = LO_FLAGS_AUTOCLEAR | LO_FLAGS_DIRECT_IO | (read_only ? LO_FLAGS_READ_ONLY : 0),
                },
        };
        _cleanup_close_ int control_fd = open("/dev/loop-control", O_RDWR | O_NOCTTY | O_CLOEXEC);
        int r = -EBUSY;

        *ret_path = 0;
        if (control_fd < 0)
                return failure_set(failure, -errno, "Failed to open /dev/loop-control, which %s needs: %m", name);
        (void) snprintf((char *) config.info.lo_file_name, sizeof(config.info.lo_file_name), "%s", name);

        for (unsigned i = 0; r == -EBUSY && i < LOOP_RETRIES; i++) {
                _cleanup_close_ int fd = open_free(control_fd, read_only, ret_path);

                r = fd < 0 ? fd : RET_ERRNO(ioctl(fd, LOOP_CONFIGURE, &config));
                if (r >= 0)
                        return TAKE_FD(fd);
        }
        return attach_failure(r, ret_path, name, failure);
}
