/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Image policies of systemd.image-policy(7): which partitions are used and how they must be protected. Applied by
 * disk/disk-layout.c.
 */

#include "util/macro.h"

/* Partition identifiers of policies. */
typedef enum PartitionRole {
        PARTITION_ROOT,
        PARTITION_USR,
        PARTITION_HOME,
        PARTITION_SRV,
        PARTITION_ESP,
        PARTITION_XBOOTLDR,
        PARTITION_SWAP,
        PARTITION_ROOT_VERITY,
        PARTITION_ROOT_VERITY_SIG,
        PARTITION_USR_VERITY,
        PARTITION_USR_VERITY_SIG,
        PARTITION_TMP,
        PARTITION_VAR,
        _PARTITION_ROLE_MAX,
} PartitionRole;

const char *partition_role_name(PartitionRole role);

typedef enum PolicyFlags {
        POLICY_VERITY = 1 << 0,         /* used, if protected by dm-verity */
        POLICY_SIGNED = 1 << 1,         /* … whose root hash is signed */
        POLICY_ENCRYPTED = 1 << 2,      /* used, if encrypted */
        POLICY_UNPROTECTED = 1 << 3,    /* used without protection */
        POLICY_UNUSED = 1 << 4,         /* may exist, but is not used */
        POLICY_ABSENT = 1 << 5,         /* may be missing */
        POLICY_READ_ONLY_OFF = 1 << 6,  /* the read-only flag of the partition may be off, or on */
        POLICY_READ_ONLY_ON = 1 << 7,
        POLICY_GROWFS_OFF = 1 << 8,
        POLICY_GROWFS_ON = 1 << 9,
        POLICY_BTRFS = 1 << 10,         /* only these file systems; without any, the defaults of disk-layout.c */
        POLICY_EROFS = 1 << 11,
        POLICY_EXT4 = 1 << 12,          /* also ext2 and ext3 */
        POLICY_F2FS = 1 << 13,
        POLICY_SQUASHFS = 1 << 14,
        POLICY_VFAT = 1 << 15,
        POLICY_XFS = 1 << 16,

        POLICY_FILE_SYSTEMS = POLICY_BTRFS | POLICY_EROFS | POLICY_EXT4 | POLICY_F2FS | POLICY_SQUASHFS | POLICY_VFAT |
                              POLICY_XFS,
        POLICY_IGNORE = POLICY_UNUSED | POLICY_ABSENT,
        POLICY_OPEN = POLICY_VERITY | POLICY_SIGNED | POLICY_ENCRYPTED | POLICY_UNPROTECTED | POLICY_IGNORE,
} PolicyFlags;

typedef struct ImagePolicy {
        unsigned flags[_PARTITION_ROLE_MAX];    /* PolicyFlags; but for file systems, no group is empty */
} ImagePolicy;

/* That of systemd-nspawn: all partitions with a mount point are used, with any protection; others are ignored. */
void image_policy_default(ImagePolicy *ret);

/* 0, or -EINVAL with the reason in reterr_reason (SETTING_REASON_MAX bytes). */
int image_policy_parse(const char *text, ImagePolicy *ret, char *reterr_reason);

/* The policy as text, with all roles; to be freed. NULL without memory. */
char *image_policy_format(const ImagePolicy *p);
