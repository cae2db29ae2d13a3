/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reads superblocks (see disk-superblock.h). The supervisor, as root, before the image is mounted; reads some bytes of it. The
 * offsets are those of the on-disk formats, which do not change; numbers are little-endian.
 *
 *      ext2, ext3, ext4        a journal on another device, by its number; mount options as text (tune2fs -E mount_opts=)
 *      erofs                   further devices, by their paths
 *      f2fs                    further devices, by their paths, to be written to; either of two superblocks counts
 *      btrfs                   further devices, by the ids of the file system
 */

#include <endian.h>
#include <string.h>
#include <unistd.h>

#include "disk/disk-superblock.h"
#include "util/macro.h"

enum { SUPERBLOCK_MAX = 4096 };

static uint16_t get16(const uint8_t *p)
{
        uint16_t v;

        memcpy(&v, p, sizeof(v));
        return le16toh(v);
}

static uint32_t get32(const uint8_t *p)
{
        uint32_t v;

        memcpy(&v, p, sizeof(v));
        return le32toh(v);
}

static bool is_magic32(const uint8_t *p, uint32_t magic)
{
        return get32(p) == magic;
}

static const char *ext_asks(const uint8_t *s)
{
        enum { HAS_JOURNAL = 0x4, IS_JOURNAL = 0x8 };

        if (get32(s + 0x60) & IS_JOURNAL)
                return "being the journal of another file system";
        if (get32(s + 0x5c) & HAS_JOURNAL && (get32(s + 0xe0) == 0 || get32(s + 0xe4) != 0))
                return "a journal on another block device";
        return s[0x200] ? "mount options of its own (tune2fs -E mount_opts=)" : NULL;
}

static const char *erofs_asks(const uint8_t *s)
{
        enum { DEVICE_TABLE = 0x8 };

        return get32(s + 80) & DEVICE_TABLE || get16(s + 86) > 0 ? "another block device" : NULL;
}

static const char *f2fs_asks(const uint8_t *s)
{
        return is_magic32(s, 0xf2f52010) && s[2201] ? "another block device" : NULL;
}

static const char *btrfs_asks(const uint8_t *s)
{
        return get32(s + 0x88) != 1 || get32(s + 0x8c) != 0 ? "another block device" : NULL;
}

static const struct {
        const char *fstype;
        unsigned offset;
        const char *(*asks)(const uint8_t *superblock);
} superblocks[] = {
        { "ext2", 1024, ext_asks },
        { "ext3", 1024, ext_asks },
        { "ext4", 1024, ext_asks },
        { "erofs", 1024, erofs_asks },
        { "f2fs", 1024, f2fs_asks },
        { "f2fs", 4096 + 1024, f2fs_asks },
        { "btrfs", 0x10000, btrfs_asks },
};

int disk_superblock_asks(int fd, uint64_t offset, const char *fstype, const char **ret)
{
        const char *asks = NULL;

        for (size_t i = 0; !asks && i < ARRAY_SIZE(superblocks); i++) {
                uint8_t bytes[SUPERBLOCK_MAX] = { 0 };

                if (strcmp(superblocks[i].fstype, fstype) != 0)
                        continue;
                if (pread(fd, bytes, sizeof(bytes), (off_t) (offset + superblocks[i].offset)) < 0)
                        return -errno;
                asks = superblocks[i].asks(bytes);
        }
        *ret = asks;
        return 0;
}
